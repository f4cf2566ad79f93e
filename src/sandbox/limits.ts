/** The documented rules for databases. */
import { HttpError } from './http-error.ts'

export const DEFAULT_MAX_TABLES = 500
/** The REST specification's default; influxctl's is 250. */
export const DEFAULT_MAX_COLUMNS = 200
const MOST_COLUMNS = 1000
const MOST_NAME_BYTES = 64
const LARGEST_INT32 = 2 ** 31 - 1

/** @throws HttpError 400 */
export function checkDatabaseName(name: unknown): asserts name is string {
  if (typeof name !== 'string') throw new HttpError(400, 'name is required')
  const bytes = Buffer.byteLength(name)
  if (bytes < 1 || bytes > MOST_NAME_BYTES)
    throw new HttpError(400, `namespace name ${name} length must be between 1 and 64 characters`)
  const bad = [...name].findIndex((char) => !/[A-Za-z0-9_/-]/.test(char))
  if (bad >= 0)
    throw new HttpError(
      400,
      `namespace name '${name}' contains invalid character, character number ${bad} is not allowed`,
    )
}

/** @throws HttpError 400 */
export function checkLimit(name: 'maxTables' | 'maxColumnsPerTable', value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > LARGEST_INT32)
    throw new HttpError(400, `${name} must be between 1 and ${LARGEST_INT32}`)
  if (name === 'maxColumnsPerTable' && value > MOST_COLUMNS)
    throw new HttpError(
      400,
      `per-table column limits are restricted to a maximum value of ${MOST_COLUMNS} for system performance purposes`,
    )
  return value
}

/** A partition template: one to eight parts, exactly one of them a time. @throws HttpError 400 */
export function checkPartitionTemplate(template: unknown): void {
  if (template === undefined || template === null) return
  const invalid = (why: string) => new HttpError(400, `invalid partition template: ${why}`)
  if (!Array.isArray(template) || template.length < 1 || template.length > 8)
    throw invalid('it must have one to eight parts')
  const tags = new Set<string>()
  let times = 0
  for (const part of template as { type?: unknown; value?: unknown }[]) {
    if (part.type === 'time') {
      times += 1
      if (!['%Y', '%Y-%m', '%Y-%m-%d'].includes(part.value as string))
        throw invalid(`time format ${JSON.stringify(part.value)} is not one of %Y, %Y-%m, %Y-%m-%d`)
      continue
    }
    const bucket = part.value as { tagName?: unknown; numberOfBuckets?: unknown }
    const tag = part.type === 'tag' ? part.value : part.type === 'bucket' ? bucket.tagName : undefined
    if (typeof tag !== 'string' || tag === '' || tag === 'time')
      throw invalid('a part must be a time, a tag or a bucket')
    if (
      part.type === 'bucket' &&
      !(Number(bucket.numberOfBuckets) >= 1 && Number(bucket.numberOfBuckets) <= 1000)
    )
      throw invalid('a bucket part has 1 to 1000 buckets')
    if (tags.has(tag)) throw invalid(`tag ${tag} is used twice`)
    tags.add(tag)
  }
  if (times !== 1) throw invalid('it must have exactly one time part')
}
