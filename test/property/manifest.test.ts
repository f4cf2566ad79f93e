import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseManifest } from '../../src/manifest/read.ts'
import { showDiagnostics } from '../../src/manifest/show-diagnostics.ts'
import { substitute } from '../../src/manifest/variables.ts'
import { loadText, manifestText } from '../rig/manifest-text.ts'

const RUNS = { numRuns: 15 }
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
const day = fc.integer({ min: 0, max: 10_000 }).map((days) => new Date(days * 86_400_000).toISOString())
const timeRange = fc
  .uniqueArray(day, { minLength: 2, maxLength: 2 })
  .map(([a = '', b = '']) => (a < b ? { start: a, end: b } : { start: b, end: a }))

/** Manifests without mistakes: databases are all different, and so are targets. */
const manifest = fc
  .record({
    name,
    url: name.map((host) => `https://${host}.example.com`),
    databases: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
    timeRange: fc.option(timeRange, { nil: undefined }),
    retentionPeriod: fc.constantFrom('source', 'infinite', '30d', '1y'),
    maxColumns: fc.integer({ min: 1, max: 1000 }),
  })
  .map(({ name, url, databases, timeRange, retentionPeriod, maxColumns }) => ({
    apiVersion: 'influx-ferry/v1',
    name,
    sources: [{ name: 's', kind: 'data-dir', dataDir: '/var/lib/influxdb/data' }],
    ...(timeRange && { timeRange }),
    target: { url, admin: { kind: 'api', token: '${T}' }, write: { concurrency: 4 } },
    mappings: databases.map((database) => ({
      source: 's',
      database,
      retentionPolicy: 'r',
      target: `${database}/r`,
      retentionPeriod,
      maxColumns,
    })),
    tokens: [{ description: 'x' }],
  }))

async function load(data: object, env: Record<string, string> = { T: 't' }) {
  const { migration, lines } = await loadText(stringify(data), { env })
  if (migration === undefined) throw new Error(lines.join('\n'))
  return migration
}

/** The same data with the keys of every object in reverse. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  )
}

describe('the hash of a manifest', () => {
  it('is the same for the same manifest, whatever the order of keys, the folder, secrets and speed', async () => {
    await fc.assert(
      fc.asyncProperty(manifest, fc.integer({ min: 1, max: 99 }), async (data, concurrency) => {
        const { hash } = await load(data)
        const others = await Promise.all([
          load(data),
          load(reversed(data) as object),
          load(data, { T: 'another' }),
          load({ ...data, name: 'renamed' }),
          load({
            ...data,
            target: {
              ...data.target,
              write: { concurrency, api: 'v1', limit: '1MB/s', batch: { lines: 5 } },
            },
          }),
          load({ ...data, target: { ...data.target, admin: { kind: 'influxctl' } }, tokens: [{ env: 'T' }] }),
          load({ ...data, spool: { dir: 'elsewhere', memory: '1GB', gzipLevel: 9 } }),
        ])
        for (const other of others) expect(other.hash).toBe(hash)
      }),
      RUNS,
    )
  })

  it('is another when another thing is moved, or to another place', async () => {
    await fc.assert(
      fc.asyncProperty(manifest, async (data) => {
        const [first, ...rest] = data.mappings
        const others = await Promise.all([
          load({ ...data, target: { ...data.target, url: 'https://other.example.org' } }),
          load({ ...data, timeRange: { start: '1999-12-31T00:00:00.000000001Z' } }),
          load({ ...data, sources: [{ ...data.sources[0], dataDir: '/elsewhere/data' }] }),
          load({ ...data, mappings: [{ ...first, target: 'elsewhere' }, ...rest] }),
          load({ ...data, mappings: [{ ...first, retentionPolicy: 'q', target: 'q' }, ...rest] }),
          load({ ...data, mappings: [{ ...first, retentionPeriod: '77d' }, ...rest] }),
          load({
            ...data,
            mappings: [{ ...first, partitionTemplate: [{ type: 'time', value: '%Y' }] }, ...rest],
          }),
          load({
            ...data,
            mappings: [
              ...data.mappings,
              { source: 's', database: 'more', retentionPolicy: 'more', target: 'more' },
            ],
          }),
        ])
        const hashes = [await load(data), ...others].map(({ hash }) => hash)
        expect(new Set(hashes).size).toBe(hashes.length)
      }),
      RUNS,
    )
  })
})

describe('normalizing', () => {
  it('gives the same migration for the same file', async () => {
    await fc.assert(
      fc.asyncProperty(manifest, async (data) => {
        const strip = (text: string, folder: string) => text.replaceAll(folder, '')
        const loads = await Promise.all([0, 1].map(() => loadText(stringify(data), { env: { T: 't' } })))
        const [a, b] = loads.map(({ migration, folder }) =>
          strip(
            JSON.stringify(migration, (_, value: unknown) =>
              typeof value === 'bigint' ? `${value}n` : value,
            ),
            folder,
          ),
        )
        expect(a).toBe(b)
      }),
      RUNS,
    )
  })
})

describe('whatever the text', () => {
  it('is a manifest or has an error in a place that is there, and can be shown', () => {
    const pieces = fc.constantFrom(
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '$',
      '${A}',
      '*',
      '&x',
      '#',
      '\t',
      ',',
      'é',
      '温',
      '|',
      '\r\n',
      '---',
      '!',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const text = parts.join('')
        const { tree, diagnostics } = parseManifest(text, 'm.yaml')
        expect(tree === undefined).toBe(diagnostics.length > 0)
        if (tree !== undefined) expect(() => tree.document.toJS() as unknown).not.toThrow()
        const lineCount = text.split('\n').length
        for (const { position } of diagnostics) {
          expect(position?.line).toBeGreaterThanOrEqual(1)
          expect(position?.line).toBeLessThanOrEqual(lineCount)
          expect(position?.column).toBeGreaterThanOrEqual(1)
        }
        expect(showDiagnostics(diagnostics, text, { color: false, width: 60 })).not.toContain('undefined')
      }),
      { numRuns: 1500 },
    )
  })

  it('loads without a crash when any value of a good manifest is another', async () => {
    const good = manifestText({
      tokens: 'tokens:\n  - { description: x, write: [d/r] }',
      spool: 'spool: { memory: 64MB }',
    })
    const lines = good.split('\n').length
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: lines - 1 }),
        fc.constantFrom('null', '[]', '{}', '5', '"x"', '-1', '[null]', '{ kind: 3 }', 'true'),
        async (line, value) => {
          const changed = good
            .split('\n')
            .map((text, at) => (at === line ? text.replace(/: .*$/, `: ${value}`) : text))
          const loaded = await loadText(changed.join('\n'))
          const hasErrors = loaded.diagnostics.some(({ severity }) => severity === 'error')
          expect(loaded.migration === undefined).toBe(hasErrors)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('substitutes nothing in texts without ${', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('${')),
        (text) => {
          expect(substitute({ text }, {})).toEqual({ data: { text }, findings: [] })
        },
      ),
    )
  })
})
