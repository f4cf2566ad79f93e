import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FigureBook } from '../../../src/lines/figure-book.ts'
import { readSliceFigures, writeSliceFigures } from '../../../src/lines/figures-file.ts'
import { BlockType } from '../../../src/kernel/kernel.ts'
import { sameFigures, slowFigures } from '../../rig/slow-figures.ts'
import { spooled } from '../../rig/spooling.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => `${Object.is(one, -0) ? '-0' : one}`),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((one) => `${one}i`),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((one) => `${one}u`),
  fc.constantFrom('true', 'false'),
  fc.string({ unit: 'binary' }).map((one) => `"${one.replace(/["\\]/g, '\\$&')}"`),
)
const line = fc
  .record({
    measurement: fc.constantFrom('m', 'a\\ b', 'c\\,d\\\\e'),
    tag: fc.constantFrom('', ',t=x', ',t=y\\ z'),
    field: fc.constantFrom('f', 'g\\,h', 'i\\\\j'),
    value,
    time: fc.bigInt({ min: -(2n ** 63n) + 2n, max: 2n ** 63n - 2n }),
  })
  .map((one) => `${one.measurement}${one.tag} ${one.field}=${one.value} ${one.time}\n`)

describe('figures', () => {
  it('of lines are those that an obvious reader of the rows finds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 60 }), async (lines) => {
        const figures = new FigureBook()
        const { text } = await spooled(lines.join(''), { figures })
        expect(sameFigures(figures.result(), slowFigures(text))).toBe(true)
      }),
    )
  })

  it('of parts add up to those of the whole, whatever the order', async () => {
    const bits = fc.tuple(
      fc.constantFrom('m,t=a', 'm,t=b', 'n'),
      fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
      fc.integer(),
    )
    fc.assert(
      fc.property(fc.array(bits), fc.array(bits), (left, right) => {
        const bookOf = (points: typeof left) => {
          const book = new FigureBook()
          for (const [series, time, number] of points) {
            book.begin(Buffer.from(series))
            book.add(book.slotOf(Buffer.from('f'), BlockType.integer), time, BigInt(number))
          }
          return book
        }
        const merged = bookOf(right)
        merged.merge(bookOf(left).parts())
        expect(merged.result()).toEqual(bookOf([...left, ...right].reverse()).result())
      }),
    )
  })

  it('have another hash when a time, a value, a tag or a type is another one', () => {
    const hashOf = (
      series: string,
      type: BlockType,
      time: bigint,
      value: number | bigint | boolean | Uint8Array,
    ) => {
      const book = new FigureBook()
      book.begin(Buffer.from(series))
      book.add(book.slotOf(Buffer.from('f'), type), time, value)
      return book.result()[0]?.hash
    }
    const hashes = [
      hashOf('m,t=a', BlockType.float, 1n, 1),
      hashOf('m,t=b', BlockType.float, 1n, 1),
      hashOf('m,t=a', BlockType.float, 2n, 1),
      hashOf('m,t=a', BlockType.float, 1n, 1 + Number.EPSILON),
      hashOf('m,t=a', BlockType.float, 1n, -1),
      hashOf('m,t=a', BlockType.integer, 1n, 1n),
      hashOf('m,t=a', BlockType.unsigned, 1n, 1n),
      hashOf('m,t=a', BlockType.boolean, 1n, true),
      hashOf('m,t=a', BlockType.string, 1n, Buffer.from('1')),
      hashOf('m,t=a', BlockType.string, 1n, Buffer.from('1\0')),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(hashOf('m,t=a', BlockType.float, 1n, 1)).toBe(hashes[0])
  })

  it('come back from their file as they were', async () => {
    const figures = new FigureBook()
    const lines = [
      'm f=-0 1',
      'm f=1.7976931348623157e308 2',
      'm f=1.7976931348623157e308 3',
      'm i=-9223372036854775808i 1',
      'm s="x" 1',
      'm b=true 1',
    ]
    await spooled(`${lines.join('\n')}\n`, { figures })
    const path = join(await temporaryFolder(), 'a/b.ndjson')
    await writeSliceFigures(path, figures.result())
    expect(await readSliceFigures(path)).toEqual(figures.result())
    expect(await readSliceFigures(`${path}.none`)).toBeUndefined()
  })
})
