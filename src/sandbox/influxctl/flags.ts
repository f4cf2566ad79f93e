/** Flags as influxctl reads them: before the positional arguments only, `--name value` or `--name=value`. */

/** A message for stderr; the process ends with 1. */
export class InfluxctlError extends Error {}

export type FlagKind = 'boolean' | 'text' | 'repeated'

export interface Flags {
  text(name: string): string | undefined
  texts(name: string): string[]
  has(name: string): boolean
  /** What follows the flags. */
  rest: string[]
}

/** @throws InfluxctlError for flags that the command does not have */
export function readFlags(argv: readonly string[], known: Record<string, FlagKind>): Flags {
  const values = new Map<string, string[]>()
  let at = 0
  for (; at < argv.length; at += 1) {
    const argument = argv[at] as string
    if (!argument.startsWith('-') || argument === '-') break
    if (argument === '--') {
      at += 1
      break
    }
    const [, name = '', inline] = /^--?([^=]+)(?:=([^]*))?$/.exec(argument) ?? []
    const kind = known[name]
    if (kind === undefined) throw new InfluxctlError(`flag provided but not defined: -${name}`)
    let value = inline ?? 'true'
    if (kind !== 'boolean' && inline === undefined) {
      at += 1
      const next = argv[at]
      if (next === undefined) throw new InfluxctlError(`flag needs an argument: -${name}`)
      value = next
    }
    values.set(name, [...(kind === 'repeated' ? (values.get(name) ?? []) : []), value])
  }
  return {
    text: (name) => values.get(name)?.at(-1),
    texts: (name) => values.get(name) ?? [],
    has: (name) => values.has(name) && values.get(name)?.at(-1) !== 'false',
    rest: argv.slice(at),
  }
}

/** `table` unless `--format json`. */
export function formatOf(flags: Flags): 'table' | 'json' {
  const format = flags.text('format') ?? 'table'
  if (format !== 'table' && format !== 'json')
    throw new InfluxctlError(`invalid format "${format}": must be one of table, json`)
  return format
}
