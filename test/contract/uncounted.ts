/** Every write counts up a document's numbers: in JSON or YAML text, N stands for them. (Quotes within an id are escaped, so no id looks like a key.) */
export function uncounted(text: string): string {
  return text.replaceAll(
    /("(?:_version|_seq_no|_primary_term)" ?: ?|^(?:_version|_seq_no|_primary_term): )\d+/gm,
    '$1N',
  )
}
