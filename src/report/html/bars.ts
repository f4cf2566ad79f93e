/**
 * Pictures made of rectangles at percentages of the width, and texts in pixels: they fit a phone and paper without a
 * script, and their texts do not shrink with them.
 */
import { html, type Markup } from './markup.ts'

export interface Part {
  value: number
  /** Class that gives the colour. */
  tone: string
  title: string
  /** In the part, where there is room. */
  symbol?: string
}

/** Parts of a whole in one line. The sum of values is the width, unless `whole` says what is. */
export function stackedBar(parts: readonly Part[], label: string, whole = sum(parts)): Markup {
  let at = 0
  const drawn = parts
    .filter(({ value }) => value > 0)
    .map((part) => {
      const width = share(part.value, whole)
      const rect = html`<rect x="${percent(at)}" width="${percent(width)}" height="14" class="${part.tone}"
        ><title>${part.title}</title></rect
      >`
      const text =
        part.symbol !== undefined &&
        width > 3 &&
        html`<text x="${percent(at + width / 2)}" y="11" class="on-${part.tone}">${part.symbol}</text>`
      at += width
      return [rect, text]
    })
  return html`<svg class="bar" width="100%" height="14" role="img" aria-label="${label}">
    <rect width="100%" height="14" class="empty" />
    ${drawn}
  </svg>`
}

/** Columns from the left to the right, as high as their part of the highest. */
export function columns(
  values: readonly { value: number; title: string }[],
  top: number,
  height: number,
  label: string,
): Markup {
  const width = 100 / Math.max(1, values.length)
  const drawn = values.map(({ value, title }, index) => {
    const tall = top === 0 ? 0 : (value / top) * height
    return html`<rect
      x="${percent(index * width)}"
      width="${percent(width)}"
      y="${round(height - tall)}"
      height="${round(tall)}"
      class="rate"
      ><title>${title}</title></rect
    >`
  })
  return html`<svg class="columns" width="100%" height="${height}" role="img" aria-label="${label}">
    <line x1="0" x2="100%" y1="0.5" y2="0.5" />
    <line x1="0" x2="100%" y1="${height / 2}" y2="${height / 2}" />
    ${drawn}
    <line x1="0" x2="100%" y1="${height - 0.5}" y2="${height - 0.5}" class="axis" />
  </svg>`
}

/** The next number of 1, 2, 5, 10, 20, ... that is not below. */
export function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

export function percent(value: number): string {
  return `${round(value)}%`
}

export function share(value: number, whole: number): number {
  return whole === 0 ? 0 : (100 * value) / whole
}

function sum(parts: readonly Part[]): number {
  return parts.reduce((total, { value }) => total + value, 0)
}

function round(value: number): number {
  return Number(value.toFixed(3))
}
