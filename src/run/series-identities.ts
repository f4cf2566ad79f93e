import { Failure } from '../core/failure.ts'
import { isPlainSeriesKey } from '../lines/line-scan.ts'
import { usualSeriesKey } from '../lines/stored-names.ts'

/**
 * Finds series that 1.x keeps apart and v3 does not: 1.x stores a needless backslash (`m\=x` beside `m=x`), v3 line
 * protocol has none. Such series are rare; only they are remembered.
 */
export class SeriesIdentities {
  /** Of each series that is not stored the usual way, how it would be; both as latin1 text. */
  readonly #unusual = new Map<string, string>()

  get hasUnusual(): boolean {
    return this.#unusual.size > 0
  }

  /** @throws Failure `export/series-collide` */
  see(stored: Buffer, encoded: Buffer): void {
    if (stored === encoded || isPlainSeriesKey(stored, 0, stored.length)) return
    const usual = usualSeriesKey(encoded)
    if (usual.equals(stored)) return
    const key = usual.toString('latin1')
    const other = this.#unusual.get(key)
    if (other !== undefined) throw collision(stored, Buffer.from(other, 'latin1'))
    this.#unusual.set(key, stored.toString('latin1'))
  }

  /** To be asked of every series once all were seen. @throws Failure `export/series-collide` */
  expectDistinct(stored: Buffer): void {
    const other = this.#unusual.get(stored.toString('latin1'))
    if (other !== undefined) throw collision(stored, Buffer.from(other, 'latin1'))
  }
}

function collision(one: Buffer, other: Buffer): Failure {
  return new Failure('export/series-collide', 'two series of InfluxDB 1.x are one in v3 line protocol', {
    where: `${one.toString()} and ${other.toString()}`,
    remedy:
      'They differ only in a backslash that means nothing. With "reader: influx_inspect" they become one, and of two values at one time one is kept; ' +
      'or copy the points of one series into the other with SELECT ... INTO and drop it.',
  })
}
