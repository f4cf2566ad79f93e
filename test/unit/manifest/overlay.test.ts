import { describe, expect, it } from 'vitest'
import { loadText, manifestText } from '../../rig/manifest-text.ts'

const base = {
  target:
    'target:\n  url: https://base\n  admin: { kind: influxctl, profile: base, command: [x, y] }\n  write: { concurrency: 2, api: v1 }',
}
const load = (changes: string, environment?: string) =>
  loadText(manifestText({ ...base, environments: `environments:\n  e: ${changes}\n  staging: {}` }), {
    env: { T: 't' },
    ...(environment !== undefined && { environment }),
  })

describe('environments', () => {
  it('change nothing unless chosen', async () => {
    const { migration } = await load('{ target: { url: https://e } }')
    expect(migration).toMatchObject({ environment: undefined, target: { url: 'https://base' } })
  })

  it('merge objects key by key', async () => {
    const { migration } = await load(
      '{ target: { url: https://e, admin: { profile: e }, write: { concurrency: 9 } } }',
      'e',
    )
    expect(migration?.environment).toBe('e')
    expect(migration?.target).toMatchObject({
      url: 'https://e',
      admin: { kind: 'influxctl', profile: 'e', command: ['x', 'y'] },
      write: { concurrency: 9, api: 'v1' },
    })
  })

  it('replace an object whose kind changes', async () => {
    const { migration } = await load('{ target: { admin: { kind: api, token: "${T}" } } }', 'e')
    expect(migration?.target.admin).toEqual({
      kind: 'api',
      token: { kind: 'value', variable: 'T', value: 't' },
    })
  })

  it('replace lists', async () => {
    const { migration } = await load(
      '{ mappings: [{ source: s, database: q, retentionPolicy: q, target: q }] }',
      'e',
    )
    expect(migration?.mappings.map(({ target, position }) => [target, position])).toEqual([
      ['q', { line: 12, column: 19 }],
    ])
  })

  it('keep work folders apart', async () => {
    expect((await load('{}')).migration?.spool.dir).toMatch(/\/\.influx-ferry\/plant$/)
    expect((await load('{}', 'e')).migration?.spool.dir).toMatch(/\/\.influx-ferry\/plant\.e$/)
  })

  it('show a mistake where it is written', async () => {
    expect((await load('{ target: { write: { limit: x } } }', 'e')).lines).toEqual([
      '12:34+1 error manifest/not-a-rate: "x" is not a rate | write a size a second: 20MB/s',
    ])
    expect((await load('{ target: { admin: { kind: none, profile: x } } }', 'e')).lines).toEqual([
      '12:39+7 error manifest/unknown-key: unknown key "profile" | known here: kind',
    ])
  })

  it('show a mistake of the base in the base', async () => {
    const text = manifestText({
      spool: 'spool: { memory: x, gzipLevel: 2 }',
      environments: 'environments:\n  e: { spool: { gzipLevel: 3 } }',
    })
    expect((await loadText(text, { environment: 'e' })).lines[0]).toMatch(
      /^9:18\+1 error manifest\/not-a-size/,
    )
  })

  it('are known by name', async () => {
    expect((await load('{}', 'stagin')).lines).toEqual([
      '11:1+12 error manifest/unknown-environment: there is no environment "stagin" | did you mean --env staging? (there are: e, staging)',
    ])
    expect((await loadText(manifestText(), { environment: 'x' })).lines).toEqual([
      '1:1+27 error manifest/unknown-environment: there is no environment "x" | the manifest has no environments',
    ])
    expect((await load('{}', 'toString')).lines[0]).toContain('there is no environment "toString"')
  })
})
