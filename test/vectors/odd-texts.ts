import fc from 'fast-check'

/** Characters that writers of JSON and YAML treat in ways of their own, in groups that a random text is drawn from. */
const ODD_CHARACTERS = {
  letters: Array.from('abcXYZ019'),
  punctuation: Array.from('!#$%&()*+,-./:;<=>?@[]^_`{|}~'),
  quotes: ['"', "'", '\\', '\\"', '\\u0041', '\\n'],
  spaces: [' ', '  ', ' '.repeat(5), '\u00a0', '\u3000', '\u2003', '\u200b'],
  lineBreaks: ['\n', '\r', '\r\n', '\t', '\u0085', '\u2028', '\u2029', '\v', '\f'],
  controls: [...Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)), '\x7f', '\x80', '\x9f', '\x1b'],
  accents: ['é', 'ß', 'e\u0301', 'ﬁ', 'Ω', '中', '文', 'ا', '\u00ad'],
  edges: ['\ufeff', '\ufffd', '\ufffe', '\uffff', '\ufdd0', '\ud7ff', '\ue000', '\u0100', '\u00ff'],
  beyond: ['😀', '👩‍👩‍👧', '𝒳', '\u{10000}', '\u{10ffff}', '\u{1f1e9}\u{1f1ea}'],
  words: ['word', 'a longer word', 'x'.repeat(30), ' y', 'z '],
  looksLikeSyntax: [
    '---',
    '...',
    ': ',
    ' #',
    '- ',
    '{}',
    '[]',
    'null',
    'true',
    '~',
    '0x1f',
    '1e3',
    '2026-11-22',
    '%00',
    '%2F',
  ],
} as const

const unit = fc.oneof(
  ...Object.values(ODD_CHARACTERS).map((group) => fc.constantFrom(...group)),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
)

/** Any well-formed text, short or long: up to 200 odd units, so that lines fold in many places. */
export const oddText = fc
  .oneof(fc.array(unit, { maxLength: 8 }), fc.array(unit, { minLength: 20, maxLength: 200 }))
  .map((units) => units.join(''))

/** Texts that can be a memory's id: 1 to 512 bytes, and no segment that means something by itself. */
export const oddId = oddText
  .map(cutTo512Bytes)
  .filter((id) => id !== '' && !['.', '..', '_search', '_delete_by_query'].includes(id))

function cutTo512Bytes(text: string): string {
  let [cut, bytes] = ['', 0]
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > 512) break
    cut += character
  }
  return cut
}

/** Plain data as our answers are made of: objects, lists, texts, whole numbers of any size that a long has, booleans and null. */
export const oddBody: fc.Arbitrary<OddBody> = fc.letrec<{ body: OddBody }>((tie) => ({
  body: fc.oneof(
    { maxDepth: 4 },
    oddText,
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('body'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^_[a-z]{1,12}$/), tie('body'), { maxKeys: 4 }),
  ),
})).body

export type OddBody =
  string | number | bigint | boolean | null | readonly OddBody[] | { readonly [key: string]: OddBody }

/** A seed for this run, or the one of an earlier run to repeat it: `TEST_SEED=123 npm run test:cluster`. */
export function seedOfThisRun(): number {
  const given = process.env['TEST_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
}
