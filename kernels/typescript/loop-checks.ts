/** Lets a cell be stopped between two turns of any of its loops, also of one that lets nothing else run. */
import type * as ts from '@tslab/typescript-for-tslab';

/** The global function that every turn ends with; it throws when the cell is to stop. */
export const CHECK = '__checkLoop__';

/** A transformer that writes `while (x) f()` as `while (x) { try { f() } finally { __checkLoop__() } }`. */
export function checkLoops(typescript: typeof ts): ts.TransformerFactory<ts.SourceFile> {
  const { factory } = typescript;
  const check = () => {
    const call = factory.createCallExpression(factory.createIdentifier(CHECK), undefined, []);
    return factory.createBlock([factory.createExpressionStatement(call)]);
  };
  // At the end of a turn: what it did is then whole, and `for await` has taken nothing that is not worked on.
  const checked = (body: ts.Statement) =>
    factory.createBlock([
      factory.createTryStatement(factory.createBlock([body]), undefined, check()),
    ]);
  return (context) => {
    const visit = (node: ts.Node): ts.Node => {
      const visited = typescript.visitEachChild(node, visit, context);
      if (typescript.isWhileStatement(visited))
        return factory.updateWhileStatement(
          visited,
          visited.expression,
          checked(visited.statement),
        );
      if (typescript.isDoStatement(visited))
        return factory.updateDoStatement(visited, checked(visited.statement), visited.expression);
      if (typescript.isForStatement(visited)) {
        const { initializer, condition, incrementor, statement } = visited;
        return factory.updateForStatement(
          visited,
          initializer,
          condition,
          incrementor,
          checked(statement),
        );
      }
      if (typescript.isForInStatement(visited))
        return factory.updateForInStatement(
          visited,
          visited.initializer,
          visited.expression,
          checked(visited.statement),
        );
      if (typescript.isForOfStatement(visited)) {
        const { awaitModifier, initializer, expression, statement } = visited;
        return factory.updateForOfStatement(
          visited,
          awaitModifier,
          initializer,
          expression,
          checked(statement),
        );
      }
      return visited;
    };
    return (file) => typescript.visitEachChild(file, visit, context);
  };
}
