/** HTML whose texts cannot be markup: what is put into a template is escaped, unless it is markup itself. */
export class Markup {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

type Part = Markup | string | number | false | undefined | readonly Part[]

/** `` html`<td title="${name}">${name}</td>` ``: for texts and for quoted attributes. A list is joined, `false` is nothing. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Markup {
  // The indentation of templates would be a third of the file.
  const [first = '', ...rest] = texts.map((text) => text.replace(/\n\s+/g, '\n'))
  return new Markup(rest.reduce((whole, text, index) => whole + sourceOf(parts[index]) + text, first))
}

function sourceOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Markup) return part.source
  if (typeof part === 'object') return part.map(sourceOf).join('')
  return String(part).replace(/[&<>"'\p{Cc}]/gu, escape)
}

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Control characters cannot be in HTML: they are shown as what Unicode has to show them. */
function escape(character: string): string {
  const code = character.charCodeAt(0)
  if (character === '\n' || character === '\t') return character
  return ESCAPES[character] ?? (code < 32 ? String.fromCharCode(0x2400 + code) : '\u2421')
}
