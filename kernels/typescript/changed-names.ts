/** Which names of a source look otherwise to those who import them, after an edit of it or of what it rests on. */
import type * as ts from '@tslab/typescript-for-tslab';

/** `all` where it cannot be told which. */
export type Names = ReadonlySet<string> | 'all';

const IDENTIFIER = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu;
const IMPORT_TYPE = /\bimport\(["']([^"']+)["']\)/g;

/**
 * Names whose declarations differ between two texts of a source's declaration file, and names whose declarations
 * mention such a name.
 * @param changedIn - what has changed in the module of that name: what rests on it has changed too
 */
export function changedNames(
  typescript: typeof ts,
  before: string | undefined,
  now: string | undefined,
  changedIn: (module: string) => Names,
): Names {
  if (before === undefined || now === undefined) return 'all';
  const [old, renewed] = [before, now].map((text) => declaredNames(typescript, text));
  if (!old || !renewed || old === 'all' || renewed === 'all')
    return before === now ? new Set() : 'all';
  const changed = new Set(
    [...old.texts.keys(), ...renewed.texts.keys()].filter(
      (name) => old.texts.get(name) !== renewed.texts.get(name),
    ),
  );
  for (const { name, original, module } of renewed.taken) {
    const names = changedIn(module);
    if (name === '*' && names === 'all') return 'all';
    if (name === '*') for (const one of names) changed.add(one);
    else if (hasAny(names, original)) changed.add(name);
  }
  return withMentions(changed, renewed.texts, changedIn);
}

/** Whether a name, or any at all for `*`, is among them. */
export const hasAny = (names: Names, name: string) =>
  names === 'all' || (name === '*' ? names.size > 0 : names.has(name));

function withMentions(
  changed: Set<string>,
  texts: ReadonlyMap<string, string>,
  changedIn: (module: string) => Names,
): Names {
  const mentions = [...texts].map(([name, text]) => {
    const modules = [...text.matchAll(IMPORT_TYPE)].map(([, module = '']) => module);
    if (modules.some((module) => hasAny(changedIn(module), '*'))) changed.add(name);
    return { name, mentioned: new Set(text.match(IDENTIFIER)) };
  });
  for (let before = -1; before !== changed.size; ) {
    before = changed.size;
    for (const { name, mentioned } of mentions)
      if ([...mentioned].some((other) => changed.has(other))) changed.add(name);
  }
  return changed;
}

interface Declared {
  /** What declares a name, all of its statements. */
  readonly texts: ReadonlyMap<string, string>;
  /** What comes from another module, under which name; `*` for all that it exports. */
  readonly taken: readonly Taken[];
}

interface Taken {
  readonly name: string;
  readonly original: string;
  readonly module: string;
}

/** Of a declaration file; `all` where it declares what reaches further than its own names. */
function declaredNames(typescript: typeof ts, text: string): Declared | 'all' {
  const file = typescript.createSourceFile('a.d.ts', text, typescript.ScriptTarget.ES2022, true);
  if (!typescript.isExternalModule(file)) return 'all';
  const texts = new Map<string, string>();
  const taken: Taken[] = [];
  for (const statement of file.statements) {
    const from = takenBy(typescript, statement);
    taken.push(...(from ?? []));
    const entries =
      from?.map(({ name, original, module }) => [name, `${original} of "${module}"`] as const) ??
      declaredBy(typescript, statement);
    if (entries === 'all') return 'all';
    for (const [name, said] of entries) texts.set(name, `${texts.get(name) ?? ''}${said}\n`);
  }
  return { texts, taken };
}

/** What a statement takes from another module; undefined where it is no import and no export from one. */
export function takenBy(typescript: typeof ts, statement: ts.Statement): Taken[] | undefined {
  const isImport = typescript.isImportDeclaration(statement);
  if (!isImport && !typescript.isExportDeclaration(statement)) return undefined;
  const { moduleSpecifier } = statement;
  if (moduleSpecifier === undefined || !typescript.isStringLiteral(moduleSpecifier))
    return undefined;
  const module = moduleSpecifier.text;
  const bindings = isImport ? statement.importClause?.namedBindings : statement.exportClause;
  const taken: Taken[] = [];
  const own = isImport ? statement.importClause?.name : undefined;
  if (own) taken.push({ name: own.text, original: 'default', module });
  if (!isImport && bindings === undefined) taken.push({ name: '*', original: '*', module });
  if (bindings === undefined) return taken;
  if ('name' in bindings) taken.push({ name: bindings.name.text, original: '*', module });
  else
    for (const { name, propertyName } of bindings.elements)
      taken.push({ name: name.text, original: (propertyName ?? name).text, module });
  return taken;
}

type Entries = readonly (readonly [name: string, said: string])[];

/** The names that a statement declares, and what it says of each. */
function declaredBy(typescript: typeof ts, statement: ts.Statement): Entries | 'all' {
  const text = statement.getText();
  if (typescript.isVariableStatement(statement)) {
    const names = statement.declarationList.declarations.map(({ name }) => name);
    return names.every(typescript.isIdentifier) ? names.map((name) => [name.text, text]) : 'all';
  }
  if (typescript.isExportDeclaration(statement)) {
    const { exportClause } = statement;
    if (exportClause === undefined || !typescript.isNamedExports(exportClause)) return 'all';
    return exportClause.elements.map((element) => [element.name.text, element.getText()]);
  }
  if (typescript.isExportAssignment(statement))
    return statement.isExportEquals ? 'all' : [['default', text]];
  if (typescript.isModuleDeclaration(statement)) {
    // `declare namespace A`, and neither `declare global` nor `declare module 'a'`
    const isNamespace = (statement.flags & typescript.NodeFlags.Namespace) !== 0;
    return isNamespace ? [[statement.name.text, text]] : 'all';
  }
  if (!isNamed(typescript, statement)) return 'all';
  const isDefault = statement.modifiers?.some(
    ({ kind }) => kind === typescript.SyntaxKind.DefaultKeyword,
  );
  const names = [
    ...(isDefault ? ['default'] : []),
    ...(statement.name ? [statement.name.text] : []),
  ];
  return names.map((name) => [name, text]);
}

type Named =
  | ts.FunctionDeclaration
  | ts.ClassDeclaration
  | ts.InterfaceDeclaration
  | ts.TypeAliasDeclaration
  | ts.EnumDeclaration;

const isNamed = (typescript: typeof ts, statement: ts.Statement): statement is Named =>
  typescript.isFunctionDeclaration(statement) ||
  typescript.isClassDeclaration(statement) ||
  typescript.isInterfaceDeclaration(statement) ||
  typescript.isTypeAliasDeclaration(statement) ||
  typescript.isEnumDeclaration(statement);
