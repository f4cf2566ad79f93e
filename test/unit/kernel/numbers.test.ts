import { expect, test } from 'vitest'
import { createKernel } from '../../../src/kernel/kernel.ts'
import { addRaw } from '../../rig/kernel-run.ts'
import { Random } from '../../rig/random-columns.ts'

const COUNT = 250_000
const kernel = createKernel()
const random = new Random(20_240_611)

const makers: Record<string, (i: number) => number> = {
  'any bits': () => new Float64Array(BigUint64Array.of(random.bits64()).buffer)[0] ?? 0,
  decimals: () => random.below(10 ** (1 + random.below(9))) / 10 ** random.below(12),
  'long decimals': () => Number(`${random.bits64() % 10n ** 17n}e-${random.below(24)}`),
  'whole numbers': () => Number(random.bits64() >> BigInt(random.below(64))),
  'powers of two': (i) => 2 ** ((i % 2098) - 1074),
  'powers of ten and their neighbours': (i) => neighbour(Number(`1e${(i % 632) - 323}`), (i % 3) - 1),
  'subnormal numbers': () => neighbour(0, 1 + Number(random.bits64() >> BigInt(12 + random.below(52)))),
  'around where the fast way ends': (i) =>
    neighbour([1e-6, 1e7, 1e9, 1e11, 2 ** 53, 1e15, 1e21][i % 7] ?? 0, random.below(9) - 4),
}

test.each(Object.entries(makers))('%s are written as JavaScript writes them', (_, make) => {
  const numbers = Float64Array.from({ length: COUNT }, (_, i) => (random.chance(0.5) ? make(i) : -make(i)))
  const finite = numbers.filter(Number.isFinite)
  const lines = written(finite).split('\n')
  const wrong: string[] = []
  finite.forEach((number, i) => {
    const text = Object.is(number, -0) ? '-0' : String(number)
    if (lines[i] !== `m v=${text} ${i}`) wrong.push(`${text}: ${lines[i]}`)
  })
  expect(wrong.slice(0, 10)).toEqual([])
})

/** As fields of rows, one a line, by way of a block of a WAL's run. */
function written(numbers: Float64Array): string {
  const { length } = numbers
  const bytes = Buffer.alloc(8 + 16 * length)
  bytes.writeUInt32LE(length)
  const times = BigInt64Array.from({ length }, (_, i) => BigInt(i))
  bytes.set(new Uint8Array(times.buffer), 8)
  bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), 8 + 8 * length)
  kernel.beginSeries(Buffer.from('m'), { start: 0n, end: BigInt(length) })
  kernel.addColumn(Buffer.from('v'))
  addRaw(kernel, 0, 0, [{ bytes, minTime: 0n, maxTime: BigInt(length - 1) }], 'wal')
  const rows = kernel.next({ rows: length, bytes: 2 ** 28, atLeastOne: true })
  expect([rows.rows, kernel.takeErrors()]).toEqual([length, []])
  return Buffer.from(rows.bytes).toString()
}

/** The double `steps` further on. */
function neighbour(number: number, steps: number): number {
  const bits = new BigInt64Array(Float64Array.of(number).buffer)
  bits[0] = (bits[0] ?? 0n) + BigInt(steps)
  return new Float64Array(bits.buffer)[0] ?? 0
}
