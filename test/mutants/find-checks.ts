import { readFileSync } from 'node:fs'

import ts from 'typescript'

/** One statement that refuses something, and the source without it. */
export interface Mutant {
  readonly check: string
  readonly file: string
  readonly line: number
  readonly source: string
}

/** The statements of a file that stand under a comment `// check: <id>`, each with the file as it would be without it. */
export function findChecks(file: string): readonly Mutant[] {
  const source = readFileSync(file, 'utf8')
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStatement(node)) {
      const check = checkOf(source, node)
      if (check !== undefined) {
        const { line } = tree.getLineAndCharacterOfPosition(node.getStart())
        mutants.push({
          check,
          file,
          line: line + 1,
          source: `${source.slice(0, node.getStart())};${source.slice(node.end)}`,
        })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return mutants
}

function checkOf(source: string, node: ts.Node): string | undefined {
  const comments = ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []
  const last = comments.at(-1)
  if (last === undefined) return undefined
  return /^\/\/ check: ([\w-]+)$/.exec(source.slice(last.pos, last.end))?.[1]
}
