/** `{ loss }` with `loss` from an earlier cell: tslab finds such a variable everywhere but there. */
import type * as ts from '@tslab/typescript-for-tslab';

/**
 * A transformer that writes `{ loss }` out as `{ loss: exports.loss }` where `loss` was declared in
 * `declarations`, the file in which tslab keeps what earlier cells declared.
 */
export function expandShorthand(
  typescript: typeof ts,
  checker: ts.TypeChecker,
  declarations: string,
): ts.TransformerFactory<ts.SourceFile> {
  const { factory } = typescript;
  const isEarlier = (node: ts.ShorthandPropertyAssignment) =>
    checker
      .getShorthandAssignmentValueSymbol(typescript.getOriginalNode(node))
      ?.declarations?.some((declaration) => declaration.getSourceFile().fileName === declarations);
  return (context) => {
    const visit = (node: ts.Node): ts.Node => {
      if (!typescript.isShorthandPropertyAssignment(node) || !isEarlier(node)) {
        return typescript.visitEachChild(node, visit, context);
      }
      const { text } = node.name;
      const store = factory.createIdentifier('exports');
      const value = factory.createPropertyAccessExpression(store, factory.createIdentifier(text));
      const initial = node.objectAssignmentInitializer;
      const target = initial === undefined ? value : factory.createAssignment(value, initial);
      return factory.createPropertyAssignment(factory.createIdentifier(text), target);
    };
    return (file) => typescript.visitEachChild(file, visit, context);
  };
}
