import { describe, expect, it } from 'vitest'
import { loadText, manifestText } from '../../rig/manifest-text.ts'

describe('a manifest against its schema', () => {
  it('names every missing key of the top', async () => {
    const { lines } = await loadText('apiVersion: influx-ferry/v1\n')
    expect(lines.map((line) => line.split(' | ')[0])).toEqual([
      '1:1+27 error manifest/missing-key: the manifest needs the key "name"',
      '1:1+27 error manifest/missing-key: the manifest needs the key "sources"',
      '1:1+27 error manifest/missing-key: the manifest needs the key "mappings"',
    ])
  })

  it.each([
    [
      'an unknown key',
      { head: 'apiVersion: influx-ferry/v1\nname: x\nmapings: 3' },
      '3:1+7 error manifest/unknown-key: unknown key "mapings" | did you mean "mappings"?',
    ],
    [
      'an unknown key like no other',
      { target: 'target: { url: https://c, wat: 1 }' },
      '5:27+3 error manifest/unknown-key: unknown key "wat" | known here: url, admin, write, tls',
    ],
    [
      'another version',
      { head: 'apiVersion: influx-ferry/v2\nname: x' },
      '1:13+15 error manifest/wrong-value: "apiVersion" must be influx-ferry/v1',
    ],
    ['no value', { target: 'target:' }, '5:1+6 error manifest/wrong-type: "target" has no value'],
    [
      'a text for a number',
      { target: 'target:\n  url: https://c\n  write: { concurrency: four }' },
      '7:25+4 error manifest/wrong-type: "target.write.concurrency" must be a whole number, not "four" | Example: 4',
    ],
    [
      'a variable for a number',
      { target: 'target:\n  url: https://c\n  write: { concurrency: "${N}" }' },
      '7:25+6 error manifest/wrong-type: "target.write.concurrency" must be a whole number, not "${N}" | variables stand for text only; change numbers with an environment (--env)',
    ],
    [
      'a text for a list',
      { sources: 'sources:\n  - { name: s, kind: line-protocol, files: a.lp }' },
      '4:44+4 error manifest/wrong-type: "sources[0].files" must be a list, not "a.lp" | write ["a.lp"]',
    ],
    [
      'a choice that is none',
      { target: 'target:\n  url: https://c\n  write: { api: v3 }' },
      '7:17+2 error manifest/wrong-value: "target.write.api" must be v1 or v2, not "v3"',
    ],
    [
      'too much',
      {
        mappings:
          'mappings:\n  - { source: s, database: d, retentionPolicy: r, target: x, maxColumns: 1001 }',
      },
      '8:74+4 error manifest/wrong-value: "mappings[0].maxColumns" must be at most 1000',
    ],
    [
      'too little',
      { target: 'target:\n  url: https://c\n  write: { batch: { lines: 0 } }' },
      '7:28+1 error manifest/wrong-value: "target.write.batch.lines" must be at least 1',
    ],
    ['an empty list', { mappings: 'mappings: []' }, '7:1+8 error manifest/wrong-value: "mappings" is empty'],
    [
      'an unquoted template',
      { mappings: 'mappings:\n  - source: s\n    target: {database}' },
      '9:5+6 error manifest/wrong-type: "mappings[0].target" must be text, not a section | write "{database}" in quotes: braces belong to YAML',
    ],
    [
      'a kind that is none',
      { sources: 'sources:\n  - { name: s, kind: datadir, dataDir: x }' },
      '4:22+7 error manifest/wrong-value: "kind" must be data-dir or line-protocol, not "datadir" | did you mean "data-dir"?',
    ],
    [
      'no kind',
      { sources: 'sources:\n  - { name: s, dataDir: x }' },
      '4:5+23 error manifest/missing-key: "sources[0]" needs the key "kind": data-dir or line-protocol',
    ],
    [
      'a key of another kind',
      { target: 'target:\n  url: https://c\n  admin: { kind: none, profile: x }' },
      '7:24+7 error manifest/unknown-key: unknown key "profile" | known here: kind',
    ],
    [
      'a part of no type',
      { mappings: 'mappings:\n  - { source: s, target: x, partitionTemplate: [{ type: bukkit }] }' },
      '8:57+6 error manifest/wrong-value: "type" must be time, tag or bucket, not "bukkit" | did you mean "bucket"?',
    ],
    [
      'a mistyped needed key',
      { sources: 'sources:\n  - { name: s, kind: data-dir, datadir: x }' },
      '4:32+7 error manifest/unknown-key: unknown key "datadir" | did you mean "dataDir"?',
    ],
    [
      'two ways to keep a token',
      { tokens: 'tokens:\n  - keep: { file: a, command: b }' },
      '10:5+4 error manifest/wrong-value: "tokens[0].keep" takes only one of file and command',
    ],
    [
      'no way to keep a token',
      { tokens: 'tokens:\n  - keep: {}' },
      '10:5+4 error manifest/missing-key: "tokens[0].keep" needs file or command',
    ],
    [
      'a bad name of an environment',
      { environments: 'environments:\n  a/b: { target: {} }' },
      '10:3+3 error manifest/bad-name: "a/b" cannot be the name of an environment | letters, digits, ".", "_" and "-", a letter or digit first',
    ],
    [
      'a mistake in an environment',
      { environments: 'environments:\n  x: { target: { urll: a } }' },
      '10:18+4 error manifest/unknown-key: unknown key "urll" | did you mean "url"?',
    ],
  ])('%s: one error, in its place', async (_, parts, expected) => {
    expect((await loadText(manifestText(parts))).lines).toEqual([expected])
  })

  it('never repeats a secret, whatever is wrong with it', async () => {
    const { lines } = await loadText(
      manifestText({ target: 'target:\n  url: https://c\n  admin: { kind: api, token: [hunter2] }' }),
    )
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^7:23\+5 error manifest\/wrong-type: "target\.admin\.token" must be text or a section with keys/,
    )
    expect(lines[0]).not.toContain('hunter2')
  })

  it('shows the errors of all sections at once, in the order of the file', async () => {
    const { lines } = await loadText('name: 3\nsources: x\nmappings:\n  - { target: a }\n  - 7\n')
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      '1:1+7 error manifest/missing-key:',
      '1:7+1 error manifest/wrong-type:',
      '2:10+1 error manifest/wrong-type:',
      '4:5+13 error manifest/missing-key:',
      '5:5+1 error manifest/wrong-type:',
    ])
  })
})
