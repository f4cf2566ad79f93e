import { describe, expect, it } from 'vitest'
import { secretVariable, substitute } from '../../../src/manifest/variables.ts'
import { loadText, manifestText } from '../../rig/manifest-text.ts'

describe('variables in texts', () => {
  it.each([
    ['${A}/data', '/srv/data'],
    ['${A}${A}', '/srv/srv'],
    ['${NONE:-/var}/data', '/var/data'],
    ['${EMPTY:-/var}', '/var'],
    ['${A:-/var}', '/srv'],
    ['$${A}', '${A}'],
    ['%Y $A', '%Y $A'],
    ['${B}', '${A}'],
  ])('%j becomes %j', (text, expected) => {
    const env = { A: '/srv', EMPTY: '', B: '${A}' }
    expect(substitute({ list: [text] }, env)).toEqual({ data: { list: [expected] }, findings: [] })
  })

  it('keeps the text of a secret, so that its value is nowhere in the data', () => {
    expect(substitute({ token: '${A}' }, { A: 'hunter2' })).toEqual({ data: { token: '${A}' }, findings: [] })
    expect(secretVariable('${A}', { A: 'hunter2' })).toEqual({ variable: 'A', value: 'hunter2' })
    expect(secretVariable('${A:-x}', {})).toEqual({ variable: 'A', value: 'x' })
    expect(secretVariable('Bearer ${A}', { A: 'x' })).toBeUndefined()
  })

  it('shows each missing one at its place in the text', async () => {
    const sources = 'sources:\n  - name: s\n    kind: data-dir\n    dataDir: ${ROOT}/${FOLDR}/data'
    const { lines } = await loadText(manifestText({ sources }), { env: { FOLDER: 'x', ROOT: '' } })
    expect(lines).toEqual([
      '6:14+7 error manifest/missing-variable: the environment variable ROOT is empty | set it: export ROOT=...',
      '6:22+8 error manifest/missing-variable: the environment variable FOLDR is not set | did you mean FOLDER? Otherwise set it: export FOLDR=...',
    ])
  })

  it('shows missing ones of secrets and of tokens given by name', async () => {
    const target = 'target:\n  url: https://c\n  admin: { kind: api, token: "${ADMIN}" }'
    const { lines } = await loadText(manifestText({ target, tokens: 'tokens: [{ env: TOKEN }]' }))
    expect(lines.map((line) => line.split(' | ')[0])).toEqual([
      '7:31+8 error manifest/missing-variable: the environment variable ADMIN is not set',
      '10:17+5 error manifest/missing-variable: the environment variable TOKEN is not set',
    ])
  })

  it('refuses what is no variable', async () => {
    const { lines } = await loadText(manifestText({ target: 'target: { url: "https://${1x}${open" }' }))
    expect(lines.map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
      '5:25+5 error manifest/bad-variable',
      '5:30+6 error manifest/bad-variable',
    ])
  })

  it('asks only for the variables of the environment that is chosen', async () => {
    const environments =
      'environments:\n  a: { target: { url: "https://${A}" } }\n  b: { target: { url: "https://${B}" } }'
    const text = manifestText({ environments })
    expect((await loadText(text)).migration?.target.url).toBe('https://c.example.com')
    expect((await loadText(text, { environment: 'a', env: { A: 'a.example' } })).migration?.target.url).toBe(
      'https://a.example',
    )
    expect((await loadText(text, { environment: 'b', env: { A: 'a.example' } })).lines[0]).toContain(
      '11:32+4 error manifest/missing-variable',
    )
  })
})
