import { html, type Markup } from './markup.ts'

type Cell = Markup | string

export interface Column {
  name: string
  /** `number`: to the right. `wide`: room for a picture. */
  kind?: 'number' | 'wide' | 'code'
}

/** A table with a caption, its first column naming the row. On a phone its cells are below each other, with their names. */
export function tableOf(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): Markup {
  const head = columns.map(({ name, kind }) => html`<th scope="col" class="${kind}">${name}</th>`)
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell, index) => cellOf(cell, index, columns[index]))}
      </tr> `,
  )
  return html`<table class="stack">
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        ${head}
      </tr>
    </thead>
    <tbody>
      ${body}
    </tbody>
  </table>`
}

function cellOf(cell: Cell, index: number, { name, kind }: Column = { name: '' }): Markup {
  if (index === 0) return html`<th scope="row">${cell}</th>`
  const isPicture = kind === 'wide'
  return html`<td class="${kind}" ${!isPicture && html`data-name="${name}"`}>${cell}</td>`
}
