/** A slice's figures on disk: a JSON document a field and a line, names as they are in the target. */
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Failure, messageOf, systemCodeOf } from '../core/failure.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import type { FieldFigures } from './figures.ts'

/** Of an integer, as text: JSON's numbers end at 2^53. Of a float, too: infinities and -0 are no JSON. */
type Written = Record<keyof FieldFigures, string | number | undefined>

export async function writeSliceFigures(path: string, figures: readonly FieldFigures[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const lines = figures.map((one) =>
    JSON.stringify(one, (_, value: unknown) => {
      if (typeof value === 'bigint') return value.toString()
      return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
        ? String(Object.is(value, -0) ? '-0' : value)
        : value
    }),
  )
  await writeFileAtomically(path, lines.map((line) => `${line}\n`).join(''), 0o600)
}

/**
 * @returns `undefined` when there are none: the slice was exported by a version that did not write them, or they were removed
 * @throws Failure `figures/damaged`
 */
export async function readSliceFigures(path: string): Promise<FieldFigures[] | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw damaged(path, error)
  }
  try {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => figuresOf(JSON.parse(line) as Written))
  } catch (error) {
    throw damaged(path, error)
  }
}

function figuresOf(written: Written): FieldFigures {
  const { measurement, field, type, count, first, last, min, max, sum, absolute, hash } = written
  const number = (value: string | number | undefined) =>
    value === undefined ? undefined : type === 'float' ? Number(value) : BigInt(value)
  return {
    measurement: String(measurement),
    field: String(field),
    type: type as FieldFigures['type'],
    count: Number(count),
    first: BigInt(first ?? ''),
    last: BigInt(last ?? ''),
    min: number(min),
    max: number(max),
    sum: number(sum),
    absolute: absolute === undefined ? undefined : Number(absolute),
    hash: BigInt(hash ?? ''),
  }
}

function damaged(path: string, cause: unknown): Failure {
  return new Failure('figures/damaged', `the figures of a slice cannot be read: ${messageOf(cause)}`, {
    where: path,
    remedy: 'Remove the file: the figures are then read from the source again ("verify --source files").',
    cause,
  })
}
