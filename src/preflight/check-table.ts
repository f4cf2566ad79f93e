/**
 * One table: names that v3 cannot express, fields of several types, names that are tag and field, more columns than the
 * limit. What is renamed for one reason is looked at under its new name for the next.
 */
import { formatRfc3339 } from '../core/time.ts'
import { countOf, formatCount } from '../core/units.ts'
import type { FieldType } from '../manifest/migration.ts'
import type { PreflightFinding, Remedy, Rule, Subject } from './finding.ts'
import { FreeNames, isReserved, nearestName, reasonOf, shownName } from './names.ts'
import { splitFields } from './split-fields.ts'
import { added, type FieldSurvey } from './survey.ts'
import { MOST_COLUMNS, severityFor, type TargetTable } from './target-tables.ts'

export interface ColumnLimit {
  columns: number
  /** A table that is not there yet gets the database's limit; `update`: only --update gives the database another one. */
  isRaised: 'by-manifest' | 'by-update' | 'not-any-more'
}

export interface TableCheck {
  findings: PreflightFinding[]
  /** Names of the tables that become of it. */
  tables: string[]
}

/** Of several types of a field, the first one that is there keeps the name. */
const KEPT: FieldType[] = ['float', 'integer', 'unsigned', 'string', 'boolean']
const SUFFIX = { float: 'float', integer: 'int', unsigned: 'uint', string: 'str', boolean: 'bool' }
const NUMBERS = new Set<FieldType>(['float', 'integer', 'unsigned'])

export function checkTable(table: TargetTable, limit: ColumnLimit, freeTables: FreeNames): TableCheck {
  return new CheckOfTable(table, freeTables).run(limit)
}

class CheckOfTable {
  readonly #table: TargetTable
  readonly #freeTables: FreeNames
  readonly #free: FreeNames
  readonly #findings: PreflightFinding[] = []
  /** Under their last names. */
  readonly #tags = new Set<string>()
  readonly #fields = new Set<string>()

  constructor(table: TargetTable, freeTables: FreeNames) {
    this.#table = table
    this.#freeTables = freeTables
    const { survey, existing } = table
    const there = [...(existing?.tags ?? []), ...(existing?.fields.keys() ?? [])]
    this.#free = new FreeNames(['time', ...survey.tags.keys(), ...survey.fields.keys(), ...there])
  }

  run(limit: ColumnLimit): TableCheck {
    const { survey } = this.#table
    const name = this.#measurement()
    for (const tag of [...survey.tags.keys()].sort()) this.#tag(tag)
    for (const [field, types] of [...survey.fields].sort(([a], [b]) => (a < b ? -1 : 1)))
      this.#field(field, types)
    const others = this.#columns(limit, name)
    return { findings: this.#findings, tables: [name, ...others] }
  }

  /** @returns its last name */
  #measurement(): string {
    const { name, database } = this.#table
    const subject = { database, measurement: name }
    const reason = reasonOf(name, 'measurement')
    if (reason === undefined) {
      this.#noteReserved(name, 'measurement', subject)
      return name
    }
    const rename = this.#freeTables.take(nearestName(name, 'measurement'))
    this.#error('preflight/name', 'name that v3 cannot express', subject, [reason], { rename })
    return rename
  }

  #tag(tag: string): void {
    const subject = this.#subject({ tag })
    const reason = reasonOf(tag, 'tag key')
    if (reason !== undefined) return this.#renameTag(tag, nearestName(tag, 'tag key'), subject, reason)
    this.#noteReserved(tag, 'tag', subject)
    if (this.#table.existing?.fields.has(tag)) {
      const newName = this.#free.take(`${tag}_tag`)
      this.#tags.add(newName)
      const rule = { renameTags: { [tag]: newName } }
      const details = ['a tag here, and a field of the table that the cluster has']
      return this.#error('preflight/tag-and-field', 'tag and field of one name', subject, details, rule)
    }
    this.#tags.add(tag)
  }

  #renameTag(tag: string, wish: string, subject: Subject, reason: string): void {
    const newName = this.#free.take(wish)
    this.#tags.add(newName)
    const [code, what] = codeOfName(tag, 'tag')
    this.#error(code, what, subject, [reason], { renameTags: { [tag]: newName } })
  }

  #field(field: string, types: ReadonlyMap<FieldType, FieldSurvey>): void {
    const subject = this.#subject({ field })
    this.#types(field, types, subject)
    const reason = reasonOf(field, 'field key')
    const points = sumOf(types)
    if (reason !== undefined) {
      const newName = this.#free.take(nearestName(field, 'field key'))
      const [code, what] = codeOfName(field, 'field')
      this.#fields.add(newName)
      return this.#error(code, what, subject, [reason], { renameFields: { [field]: newName } }, points)
    }
    this.#noteReserved(field, 'field', subject)
    const { survey, existing } = this.#table
    const isTag = survey.tags.has(field)
    if (!isTag && !existing?.tags.has(field)) return void this.#fields.add(field)
    const newName = this.#free.take(`${field}_field`)
    this.#fields.add(newName)
    const details = [isTag ? 'a tag of some series, and a field' : 'a field here, and a tag in the cluster']
    const rule = { renameFields: { [field]: newName } }
    this.#error('preflight/tag-and-field', 'tag and field of one name', subject, details, rule, points)
  }

  #types(field: string, types: ReadonlyMap<FieldType, FieldSurvey>, subject: Subject): void {
    const there = this.#table.existing?.fields.get(field)
    const all = new Set([...types.keys(), ...(there === undefined ? [] : [there])])
    if (all.size < 2) return
    const details = [...types].map(([type, survey]) => describeType(type, survey))
    if (there !== undefined) details.push(`${there} in the cluster`)
    const kept = there ?? KEPT.find((type) => all.has(type)) ?? 'float'
    const mayBeFloat = (there ?? 'float') === 'float' && [...all].every((type) => NUMBERS.has(type))
    // A cast is by pattern: a star in the name would mean other fields as well.
    const rule =
      mayBeFloat && !field.includes('*')
        ? { cast: { [field]: 'float' as const } }
        : this.#splitByType(field, types, kept)
    const [code, what] =
      types.size > 1
        ? ['preflight/field-types', 'field of several types']
        : ['preflight/column-type', 'field of another type in the cluster']
    this.#error(code, what, subject, details, rule, sumOf(types))
  }

  #splitByType(field: string, types: ReadonlyMap<FieldType, unknown>, kept: FieldType): Partial<Rule> {
    const base = reasonOf(field, 'field key') === undefined ? field : nearestName(field, 'field key')
    const names: Partial<Record<FieldType, string>> = {}
    for (const type of KEPT) {
      if (type === kept || !types.has(type)) continue
      const newName = this.#free.take(`${base}_${SUFFIX[type]}`)
      names[type] = newName
      this.#fields.add(newName)
    }
    return { splitByType: { [field]: names } }
  }

  /** @returns names of other tables that fields go to. */
  #columns({ columns: limit, isRaised }: ColumnLimit, name: string): string[] {
    const { existing, database, name: measurement } = this.#table
    const there = [...(existing?.tags ?? []), ...(existing?.fields.keys() ?? [])]
    const tags = [...new Set([...this.#tags, ...(existing?.tags ?? [])])]
    const columns = new Set([...this.#tags, ...this.#fields, ...there]).size + 1
    if (columns <= limit) return []
    const details = [
      `${countOf(columns, 'column')} (${countOf(tags.length, 'tag')}, ${countOf(columns - tags.length - 1, 'field')}, time); the limit is ${formatCount(limit)}`,
    ]
    const subject = { database, measurement }
    const [code, what] = ['preflight/columns', 'more columns than a table may have']
    if (columns <= MOST_COLUMNS && isRaised !== 'not-any-more') {
      const maxColumns = Math.min(MOST_COLUMNS, Math.ceil(columns / 50) * 50)
      const remedies = this.#table.mappings.map((mapping): Remedy => ({
        kind: 'keys',
        mapping,
        keys: { maxColumns },
      }))
      if (isRaised === 'by-update')
        remedies.push({ kind: 'words', text: `Run with --update: it raises the limit of "${database}".` })
      this.#add({ code, what, details, remedies, where: whereOf(subject) })
      return []
    }
    const room = limit - tags.length - 1
    const fields = [...this.#fields].filter((field) => !existing?.fields.has(field))
    const stays = room - (existing?.fields.size ?? 0)
    const others = [...(existing?.fields.keys() ?? [])]
    let number = 1
    const free = () => this.#freeTables.take(`${name}_${(number += 1)}`)
    const split = room > 0 ? splitFields({ fields, others, stays, room }, free) : undefined
    if (split === undefined) {
      const text = `Leave tags or fields out of ${shownName(measurement)} (dropTags, dropFields): its tags alone are too many.`
      this.#add({ code, what, details, remedies: [{ kind: 'words', text }], where: whereOf(subject) })
      return []
    }
    this.#add({ code, what, details, remedies: this.#rules({ splitFields: split }), where: whereOf(subject) })
    return Object.keys(split)
  }

  #noteReserved(name: string, kind: string, subject: Subject): void {
    if (!isReserved(name)) return
    const why = name.startsWith('iox_')
      ? 'starts with "iox_", which is reserved'
      : 'starts with "_", which is discouraged'
    this.#findings.push({
      ...{ severity: 'warning', code: 'preflight/reserved-name', what: 'reserved name' },
      ...{ where: whereOf(subject), details: [`the ${kind} ${why}`], remedies: [] },
    })
  }

  #error(
    code: string,
    what: string,
    subject: Subject,
    details: string[],
    rule: Partial<Rule>,
    points = this.#pointsOf(subject),
  ): void {
    this.#add({ code, what, where: whereOf(subject), points, details, remedies: this.#rules(rule), subject })
  }

  #add(finding: Omit<PreflightFinding, 'severity'>): void {
    this.#findings.push({ severity: severityFor(this.#table.mappings), ...finding })
  }

  #rules(rule: Partial<Rule>): Remedy[] {
    const { mappings, name } = this.#table
    return mappings.map((mapping) => ({ kind: 'rule', mapping, rule: { measurement: name, ...rule } }))
  }

  #subject(part: { tag: string } | { field: string }): Subject {
    const { database, name } = this.#table
    return { database, measurement: name, ...part }
  }

  #pointsOf({ tag }: Subject): number | undefined {
    const { survey } = this.#table
    if (tag !== undefined) return survey.tags.get(tag)
    return [...survey.fields.values()].reduce<number | undefined>(
      (sum, types) => added(sum, sumOf(types)),
      undefined,
    )
  }
}

function codeOfName(name: string, kind: 'tag' | 'field'): [code: string, what: string] {
  return name === 'time'
    ? ['preflight/time', `${kind} called time`]
    : ['preflight/name', 'name that v3 cannot express']
}

function sumOf(types: ReadonlyMap<FieldType, FieldSurvey>): number | undefined {
  return [...types.values()].reduce<number | undefined>((sum, { points }) => added(sum, points), undefined)
}

/** `string: 5 points in 1 slice, 2021-03-08 .. 2021-03-15`. */
function describeType(type: FieldType, { points, slices, windows }: FieldSurvey): string {
  const count = points === undefined ? '' : `${countOf(points, 'point')} in `
  const day = (time: bigint) => formatRfc3339(time).replace(/T00:00:00Z$/, '')
  const isBounded = ({ start, end }: { start: bigint; end: bigint }) => end - start < 2n ** 63n
  const shown = windows
    .filter(isBounded)
    .slice(0, 3)
    .map(({ start, end }) => `${day(start)} .. ${day(end)}`)
  if (windows.length > 3) shown.push('...')
  return `${type}: ${count}${countOf(slices, 'slice')}${shown.length > 0 ? `, ${shown.join(', ')}` : ''}`
}

export function whereOf({ database, measurement, tag, field }: Subject): string {
  const column = tag ?? field
  return `${database} ${shownName(measurement)}${column === undefined ? '' : `.${shownName(column)}`}`
}
