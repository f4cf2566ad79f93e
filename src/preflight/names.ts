/** Names that would do where others do not, and names as messages show them. */
import { inexpressible, type NameKind } from '../lines/names.ts'

/** The allowed name that is nearest to one that v3 cannot express. */
export function nearestName(name: string, kind: Exclude<NameKind, 'tag value'>): string {
  if (name === 'time') return kind === 'tag key' ? 'time_tag' : 'time_field'
  const near = name
    .replace(/[\t\n\0]/g, '_')
    .replace(/\\+$/, '')
    .replace(kind === 'measurement' ? /^#+/ : /^$/, '')
  return near === '' ? kind.replace(' key', '') : near
}

/** Why v3 line protocol cannot express a name that is text. */
export function reasonOf(name: string, kind: NameKind): string | undefined {
  return inexpressible(Buffer.from(name), kind)
}

/** Not refused, and yet not for users: `_...` is discouraged, `iox_...` reserved (InfluxData's naming restrictions). */
export function isReserved(name: string): boolean {
  return name.startsWith('_') || name.startsWith('iox_')
}

/** Names that are given out once. */
export class FreeNames {
  readonly #taken: Set<string>

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken)
  }

  /** The name, or it with the first number that makes it free. */
  take(name: string): string {
    let free = name
    for (let n = 2; this.#taken.has(free); n++) free = `${name}_${n}`
    this.#taken.add(free)
    return free
  }
}

/** A name in one line: control characters as JSON writes them. */
export function shownName(name: string): string {
  return name.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1))
}
