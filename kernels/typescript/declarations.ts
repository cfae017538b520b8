/** What cells declared, as the text of a declaration file: who keeps which name after a failure. */
import type * as ts from '@tslab/typescript-for-tslab';

type TypeScript = typeof ts;

/**
 * Declarations after a cell that failed half-way: those of `now`, but for the names in `unset`, which
 * are what they were in `before`, or not known if they were not known there.
 */
export function mergeDeclarations(
  typescript: TypeScript,
  now: string,
  before: string,
  unset: readonly string[],
): string {
  if (unset.length === 0) return now;
  const names = new Set(unset);
  const kept = select(typescript, now, (name) => !names.has(name));
  const restored = select(typescript, before, (name) => names.has(name));
  return `${kept}${restored}`;
}

/** The declarations of those names that `wanted` accepts. */
function select(typescript: TypeScript, text: string, wanted: (name: string) => boolean): string {
  const { factory } = typescript;
  const file = typescript.createSourceFile('kept.d.ts', text, typescript.ScriptTarget.ES2022, true);
  const printer = typescript.createPrinter({ removeComments: false });
  const print = (node: ts.Node) =>
    `${printer.printNode(typescript.EmitHint.Unspecified, node, file)}\n`;
  const kept = file.statements.map((statement) => {
    if (typescript.isVariableStatement(statement)) {
      const { declarations, flags } = statement.declarationList;
      const chosen = declarations.filter(({ name }) => wanted(name.getText(file)));
      if (chosen.length === 0) return '';
      const list = factory.createVariableDeclarationList(chosen, flags);
      return print(factory.updateVariableStatement(statement, statement.modifiers, list));
    }
    if (typescript.isImportDeclaration(statement)) {
      const clause =
        statement.importClause && selectImports(typescript, statement.importClause, wanted);
      if (clause === undefined) return '';
      const { modifiers, moduleSpecifier, assertClause } = statement;
      return print(
        factory.updateImportDeclaration(
          statement,
          modifiers,
          clause,
          moduleSpecifier,
          assertClause,
        ),
      );
    }
    const { name } = statement as ts.Statement & { readonly name?: ts.Node };
    return name !== undefined && wanted(name.getText(file)) ? print(statement) : '';
  });
  return kept.join('');
}

function selectImports(
  typescript: TypeScript,
  clause: ts.ImportClause,
  wanted: (name: string) => boolean,
): ts.ImportClause | undefined {
  const { factory } = typescript;
  const { name, namedBindings, isTypeOnly } = clause;
  const itself = name !== undefined && wanted(name.text) ? name : undefined;
  let bindings: ts.NamedImportBindings | undefined;
  if (namedBindings !== undefined && typescript.isNamespaceImport(namedBindings)) {
    if (wanted(namedBindings.name.text)) bindings = namedBindings;
  } else if (namedBindings !== undefined) {
    const chosen = namedBindings.elements.filter((element) => wanted(element.name.text));
    if (chosen.length > 0) bindings = factory.updateNamedImports(namedBindings, chosen);
  }
  if (itself === undefined && bindings === undefined) return undefined;
  return factory.updateImportClause(clause, isTypeOnly, itself, bindings);
}
