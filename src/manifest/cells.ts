/** How wide text is in a terminal. */

/** How a tab is shown. */
export const TAB = '  '

/** Made when first needed: it takes as long as a hundred modules. */
let graphemes: Intl.Segmenter | undefined
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

function segmentsOf(text: string): Intl.Segments {
  return (graphemes ??= new Intl.Segmenter()).segment(text)
}

/** Terminal columns: two for East Asian wide characters and emoji, one for other characters with their accents. */
function cellsOf(text: string): number {
  let cells = 0
  for (const { segment } of segmentsOf(text)) cells += WIDE.test(segment) ? 2 : 1
  return cells
}

/** For each index into `text` and its end, the columns before it. Within a character of several units: those before it. */
export function cellOffsets(text: string): number[] {
  const offsets: number[] = []
  let cells = 0
  for (const { segment } of segmentsOf(text)) {
    for (let unit = 0; unit < segment.length; unit += 1) offsets.push(cells)
    cells += segment === '\t' ? TAB.length : cellsOf(segment)
  }
  offsets.push(cells)
  return offsets
}

/** Lines of at most `width` columns, broken at spaces; a longer word stays whole, so that it can be copied. */
export function fold(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && cellsOf(last) + 1 + cellsOf(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
