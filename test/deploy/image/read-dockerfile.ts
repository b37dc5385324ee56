export interface Instruction {
  readonly line: number
  /** In capitals. */
  readonly keyword: string
  /** `--name=value` before the arguments. */
  readonly options: ReadonlyMap<string, string>
  readonly text: string
}

export interface Stage {
  readonly base: string
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** A Dockerfile without heredocs, build arguments or other variables: what ours is made of. Throws for what it would read otherwise than Docker does. */
export function readDockerfile(text: string): Stage[] {
  const stages: { base: string; name: string; instructions: Instruction[] }[] = []
  for (const instruction of instructionsOf(text)) {
    if (instruction.keyword === 'FROM') {
      const [, base = '', name = ''] = /^(\S+)(?: AS (\S+))?$/i.exec(instruction.text) ?? []
      if (base === '') throw new Error(`line ${String(instruction.line)}: no image after FROM`)
      stages.push({ base, name, instructions: [] })
      continue
    }
    const stage = stages.at(-1)
    if (stage === undefined) throw new Error(`line ${String(instruction.line)}: ${instruction.keyword} before FROM`)
    stage.instructions.push(instruction)
  }
  return stages
}

function instructionsOf(text: string): Instruction[] {
  const instructions: Instruction[] = []
  let begun: { line: number; text: string } | undefined
  text.split('\n').forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return
    const { line: first, text: before } = begun ?? { line: index + 1, text: '' }
    if (line.endsWith('\\')) {
      begun = { line: first, text: before + line.slice(0, -1) }
      return
    }
    begun = undefined
    instructions.push(instructionOf(first, before + line))
  })
  if (begun !== undefined) throw new Error('the last line goes on where there is none')
  return instructions
}

function instructionOf(line: number, text: string): Instruction {
  const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/.exec(text) ?? []
  if (keyword === '' || rest.includes('<<')) throw new Error(`line ${String(line)} is not understood: ${text}`)
  const options = new Map<string, string>()
  let left = rest
  for (let found = OPTION.exec(left); found !== null; found = OPTION.exec(left)) {
    options.set(found[1] ?? '', found[2] ?? '')
    left = left.slice(found[0].length)
  }
  return { line, keyword: keyword.toUpperCase(), options, text: left }
}

const OPTION = /^--([a-z-]+)=(\S+)\s+/

/** The argument list of `["a", "b"]`; throws for the form that needs a shell. */
export function execForm({ line, keyword, text }: Instruction): string[] {
  const list = text.startsWith('[') ? (JSON.parse(text) as unknown) : undefined
  if (Array.isArray(list) && list.every((part) => typeof part === 'string')) return list
  throw new Error(`line ${String(line)}: ${keyword} needs a shell, and the image has none`)
}

/** The pairs of `ENV A=b C=d`. */
export function environmentOf({ line, text }: Instruction): Record<string, string> {
  const pairs = text.split(/\s+/).map((pair) => /^(\w+)=([^\s"'$]*)$/.exec(pair))
  return Object.fromEntries(
    pairs.map((pair) => {
      if (pair === null) throw new Error(`line ${String(line)}: write ENV NAME=value, without quotes`)
      return [pair[1] ?? '', pair[2] ?? '']
    }),
  )
}
