/** A fenced block of code of a Markdown page. */
export interface Block {
  /** The line of its opening fence, from 1. */
  readonly line: number
  readonly language: string
  /** What else stands in the opening fence, as `terminal` in "```sh terminal". */
  readonly words: readonly string[]
  readonly text: string
}

/** What a reader of the page does next. */
export interface Step {
  readonly block: Block
  /** `terminal`: in a terminal of its own, where it goes on while the reader does. */
  readonly where: 'shell' | 'terminal'
  /** What the page says that it prints: the block of text right after it. */
  readonly shown: Block | undefined
}

/** Languages in which a page may show a thing that nobody types into a shell. */
const NOT_SHELL = new Set(['text', 'yaml', 'json', 'ts', 'js', 'python', 'go', 'java', 'ini', 'nginx', 'promql'])

const FENCE = /^ {0,3}(?<marks>`{3,}|~{3,})(?<info>[^`]*)$/

/** All fenced blocks, in order (CommonMark 4.5). Throws for one that is never closed. */
export function readBlocks(page: string): Block[] {
  const blocks: Block[] = []
  const lines = page.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const { marks, info } = FENCE.exec(lines[at] ?? '')?.groups ?? {}
    if (marks === undefined) continue
    const end = lines.findIndex((line, index) => index > at && closes(line, marks))
    if (end === -1) throw new Error(`line ${String(at + 1)}: a fence that is never closed`)
    const [language = '', ...words] = (info ?? '').trim().split(/\s+/)
    blocks.push({ line: at + 1, language, words, text: lines.slice(at + 1, end).join('\n') })
    at = end
  }
  return blocks
}

const closes = (line: string, marks: string): boolean =>
  /^ {0,3}(`+|~+)\s*$/.test(line) && line.trim().startsWith(marks)

/**
 * What of the blocks is run, in order. Throws, with its line, for a block that would be left out: one in a language that is neither `sh` nor
 * known to be no shell's, or with a word in its fence that says nothing here.
 */
export function stepsOf(blocks: readonly Block[]): Step[] {
  const steps: Step[] = []
  blocks.forEach((block, index) => {
    if (block.language !== 'sh') {
      if (NOT_SHELL.has(block.language) && block.words.length === 0) return
      throw new Error(
        `line ${String(block.line)}: a block "${[block.language, ...block.words].join(' ')}" is not run by anyone`,
      )
    }
    const [word, ...more] = block.words
    if (more.length > 0 || (word !== undefined && word !== 'terminal')) {
      throw new Error(
        `line ${String(block.line)}: "sh ${block.words.join(' ')}" says how to run it in words unknown here`,
      )
    }
    const next = blocks[index + 1]
    const shown = next?.language === 'text' && isRightAfter(block, next) ? next : undefined
    if (word === 'terminal' && shown === undefined) {
      throw new Error(
        `line ${String(block.line)}: show what it prints when it is there; nobody could know when to go on`,
      )
    }
    steps.push({ block, where: word === 'terminal' ? 'terminal' : 'shell', shown })
  })
  return steps
}

/** With one empty line between them. */
function isRightAfter(block: Block, next: Block): boolean {
  return next.line === block.line + block.text.split('\n').length + 3
}

/** Whether a print is what the page shows, in which `...` stands for anything, and for any lines where it is one. */
export function fits(shown: string, printed: string): boolean {
  const pattern = shown
    .trim()
    .split('...')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('[^]*?')
  return new RegExp(`^${pattern}$`).test(printed.trim())
}
