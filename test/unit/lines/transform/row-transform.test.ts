import { expect, test } from 'vitest'
import { compileTransforms } from '../../../../src/lines/transform/series-transform.ts'
import { normalizeTransform } from '../../../../src/manifest/normalize-transform.ts'
import type { Transform } from '../../../../src/manifest/manifest.generated.ts'
import { spooled } from '../../../rig/spooling.ts'

async function linesOf(source: string, rules: Transform[]) {
  const transform = compileTransforms(rules.map(normalizeTransform))
  const { text, counts } = await spooled(source, { transform })
  const { points, dropped, added } = counts
  return { lines: text.toString().split('\n').slice(0, -1), points, dropped, added }
}

test('a row whose last field becomes a tag is none any more, and a later rule makes no field of that tag', async () => {
  const source = 'http path="a",status=200i 1\nhttp status=404i 2\n'
  expect(await linesOf(source, [{ fieldsToTags: ['status'] }, { tagsToFields: ['status'] }])).toEqual({
    lines: ['http path="a",status="200" 1'],
    points: 2,
    dropped: 1,
    added: 0,
  })
})

test('a field that was a tag of two measurements is a field of both, and counts as added once', async () => {
  const source = 'http path="a",size=7i,status=200i 1\n'
  const rules = [{ fieldsToTags: ['status'], splitFields: { sizes: ['size'] } }, { tagsToFields: ['status'] }]
  expect(await linesOf(source, rules)).toEqual({
    lines: ['http path="a",status="200" 1', 'sizes size=7i,status="200" 1'],
    points: 4,
    dropped: 0,
    added: 1,
  })
})
