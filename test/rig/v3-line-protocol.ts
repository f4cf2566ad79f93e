/**
 * Line protocol as InfluxDB Clustered reads it, written from the documented grammar and the facts about its parser:
 * obvious and slow, and independent of src/lines. Throws on what a cluster would refuse.
 */

export interface V3Row {
  measurement: string
  /** In the order of the line. */
  tags: [key: string, value: string][]
  /** Values with their type: `f64:1.5`, `i64:3`, `u64:3`, `bool:true`, `string:text`. */
  fields: [key: string, value: string][]
  time: bigint
  /** As it stood in the text, without its newline. */
  text: string
}

export function parseV3(bytes: Uint8Array): V3Row[] {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  return logicalLines(text)
    .filter((line) => line !== '')
    .map(parseRow)
}

/** A backslash takes the next character along; a newline inside a quoted field value does not end a line. */
function logicalLines(text: string): string[] {
  const lines: string[] = []
  let line = ''
  let state = { inFields: false, quoted: false, equals: 0, commas: 0 }
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '\n' && !state.quoted) {
      lines.push(line)
      line = ''
      state = { inFields: false, quoted: false, equals: 0, commas: 0 }
      continue
    }
    line += char
    if (char === '\\') line += text.charAt(++at)
    else if (char === ' ') state.inFields = true
    else if (state.inFields && char === '"' && state.equals > state.commas) state.quoted = !state.quoted
    else if (state.inFields && !state.quoted && char === '=') state.equals += 1
    else if (state.inFields && !state.quoted && char === ',') state.commas += 1
  }
  if (line !== '') throw new Error(`no newline at the end: ${line}`)
  return lines
}

function parseRow(text: string): V3Row {
  let at = 0
  const refuse = (why: string): never => {
    throw new Error(`${why} at ${at} of ${JSON.stringify(text)}`)
  }
  const expect = (char: string): void => {
    if (text[at] !== char) refuse(`expected ${JSON.stringify(char)}`)
    at += 1
  }
  /** A name up to a bare delimiter; `escapable` lists what a backslash is taken away from. */
  const name = (delimiters: string, escapable: string): string => {
    let value = ''
    while (at < text.length && !`${delimiters} \t\n`.includes(text.charAt(at))) {
      if (text[at] === '\\') {
        at += 1
        if (!escapable.includes(text.charAt(at))) value += '\\'
      }
      value += text.charAt(at++)
    }
    if (value === '') refuse('empty name')
    if (value.endsWith('\\')) refuse('may not end with a backslash')
    return value
  }

  if (text.startsWith('#')) refuse('comment')
  const measurement = name(',', ', \\')
  if (measurement.includes('\0')) refuse('NUL in measurement')
  const tags: [string, string][] = []
  while (text[at] === ',') {
    at += 1
    const key = name('=', ',= \\')
    expect('=')
    tags.push([key, name(',', ',= \\')])
    if (key === 'time') refuse('tag time')
  }
  if (new Set(tags.map(([key]) => key)).size !== tags.length) refuse('a tag is specified more than once')
  expect(' ')
  const fields: [string, string][] = []
  do {
    const key = name('=', ',= \\')
    expect('=')
    if (key === 'time') refuse('field time')
    fields.push([key, value()])
  } while (text[at++] === ',')
  at -= 1
  expect(' ')
  const time = /^-?\d+$/.exec(text.slice(at))?.[0] ?? refuse('timestamp')
  if (BigInt.asIntN(64, BigInt(time)) !== BigInt(time)) refuse('timestamp overflows')
  return { measurement, tags, fields, time: BigInt(time), text }

  function value(): string {
    const rest = text.slice(at)
    if (rest.startsWith('"')) {
      const [quoted] = /^"(?:[^"\\]|\\[^])*"/.exec(rest) ?? refuse('unterminated string')
      at += quoted.length
      return `string:${quoted.slice(1, -1).replace(/\\(["\\])/g, '$1')}`
    }
    const [token] = /^[^, ]+/.exec(rest) ?? refuse('no value')
    at += token.length
    if (/^(t|T|true|True|TRUE)$/.test(token)) return 'bool:true'
    if (/^(f|F|false|False|FALSE)$/.test(token)) return 'bool:false'
    if (
      /^-?\d+i$/.test(token) &&
      BigInt.asIntN(64, BigInt(token.slice(0, -1))) === BigInt(token.slice(0, -1))
    ) {
      return `i64:${BigInt(token.slice(0, -1))}`
    }
    if (
      /^\d+u$/.test(token) &&
      BigInt.asUintN(64, BigInt(token.slice(0, -1))) === BigInt(token.slice(0, -1))
    ) {
      return `u64:${BigInt(token.slice(0, -1))}`
    }
    if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(token))
      return `f64:${Object.is(Number(token), -0) ? '-0' : Number(token)}`
    return refuse(`value ${token}`)
  }
}
