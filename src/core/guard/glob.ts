/** Whether a text fits a pattern in which `*` stands for any characters, none too. In time of the product of both lengths at worst. */
export function fitsGlob(pattern: string, text: string): boolean {
  let [inPattern, inText] = [0, 0]
  let [star, restart] = [-1, 0]
  while (inText < text.length) {
    if (pattern[inPattern] === '*') {
      star = inPattern++
      restart = inText
    } else if (pattern[inPattern] === text[inText]) {
      inPattern++
      inText++
    } else if (star !== -1) {
      inPattern = star + 1
      inText = ++restart
    } else {
      return false
    }
  }
  return /^\**$/.test(pattern.slice(inPattern))
}

/** Whether a path, cut into segments, fits a pattern: `*` within a segment, `**` for any number of whole segments. */
export function fitsPath(pattern: readonly string[], segments: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return segments.length === 0
  if (first === '**') return segments.some((_, from) => fitsPath(rest, segments.slice(from))) || fitsPath(rest, [])
  const [segment, ...others] = segments
  return segment !== undefined && fitsGlob(first, segment) && fitsPath(rest, others)
}
