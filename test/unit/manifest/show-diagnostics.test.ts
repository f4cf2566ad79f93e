import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Diagnostic } from '../../../src/core/diagnostic.ts'
import { showDiagnostics } from '../../../src/manifest/show-diagnostics.ts'

function show(text: string, part: string, more: Partial<Diagnostic> = {}, width = 80): string {
  const offset = text.indexOf(part)
  const before = text.slice(0, offset).split('\n')
  const position = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, length: part.length }
  const diagnostic: Diagnostic = {
    severity: 'error',
    code: 'a/b',
    message: 'wrong',
    file: 'm.yaml',
    position,
    ...more,
  }
  return showDiagnostics([diagnostic], text, { color: false, width })
}

describe('a diagnostic on the terminal', () => {
  it('shows place, line, squiggle and hint', () => {
    expect(show('name: x\nretension: 3\n', 'retension', { hint: 'did you mean "retention"?' })).toBe(
      [
        'm.yaml:2:1 error: wrong (a/b)',
        '2 | retension: 3',
        '  | ~~~~~~~~~',
        '  hint: did you mean "retention"?',
        '',
      ].join('\n'),
    )
  })

  it('puts an empty line between two, and shows nothing for none', () => {
    const one: Diagnostic = { severity: 'note', code: 'a/b', message: 'x', file: 'm.yaml' }
    expect(showDiagnostics([one, one], '', { color: false, width: 80 })).toBe(
      'm.yaml note: x (a/b)\n\nm.yaml note: x (a/b)\n',
    )
    expect(showDiagnostics([], 'x', { color: false, width: 80 })).toBe('')
  })

  it.each([
    ['wide characters', 'name: 温度 x', 'x', '1 | name: 温度 x\n  |            ~'],
    ['wide characters meant', 'name: 温度', '温度', '1 | name: 温度\n  |       ~~~~'],
    ['accents of their own', 'name: e\u0301 x', 'x', '1 | name: e\u0301 x\n  |         ~'],
    ['emoji', 'name: 👩‍👩‍👧 x', 'x', '1 | name: 👩‍👩‍👧 x\n  |          ~'],
    ['tabs', 'a:\tb', 'b', '1 | a:  b\n  |     ~'],
    [
      'what would steer the terminal',
      'a: \u001b[31m\u0007 b',
      'b',
      '1 | a: \ufffd[31m\ufffd b\n  |           ~',
    ],
  ])('counts %s as they are shown', (_, text, part, expected) => {
    expect(show(text, part)).toContain(`\n${expected}\n`)
  })

  it('shows the end of the file where a line is missing', () => {
    expect(show('a: 1\n', 'a', { position: { line: 9, column: 1, length: 1 } })).toBe(
      'm.yaml:9:1 error: wrong (a/b)\n',
    )
  })

  it('cuts long lines around what is meant, and folds long hints', () => {
    const text = `files: [${Array.from({ length: 60 }, (_, at) => `file-${at}`).join(', ')}]`
    for (const width of [40, 80, 200]) {
      for (const part of ['file-0', 'file-30', 'file-59']) {
        const shown = show(text, part, { hint: 'a word '.repeat(40).trim() }, width)
        const [, excerpt = '', squiggle = '', ...hint] = shown.trimEnd().split('\n')
        expect(excerpt.slice(squiggle.indexOf('~'), squiggle.lastIndexOf('~') + 1)).toBe(part)
        for (const line of [excerpt, squiggle, ...hint]) expect(line.length).toBeLessThanOrEqual(width)
        expect(hint.length).toBeGreaterThan(1)
      }
    }
  })

  it('colours the same text', () => {
    const diagnostic: Diagnostic = {
      severity: 'warning',
      code: 'a/b',
      message: 'x',
      file: 'm',
      position: { line: 1, column: 1, length: 2 },
      hint: 'h',
    }
    const colored = showDiagnostics([diagnostic], 'ab', { color: true, width: 80 })
    expect(colored).toContain('\u001b[33mwarning\u001b[39m')
    expect(stripVTControlCharacters(colored)).toBe(
      showDiagnostics([diagnostic], 'ab', { color: false, width: 80 }),
    )
  })

  it.each([
    ['token: hunter2', 'token: *******'],
    ['  token:   "hun ter2" # mine', '  token:   ********** # mine'],
    ["{ kind: api, token: 'hunter2', profil: x }", '{ kind: api, token: *********, profil: x }'],
    ['{ kind: api, token: hunter2, profil: x }', '{ kind: api, token: *******, profil: x }'],
    ['token: x${T}', 'token: *****'],
    ['token: hun,ter2}x # mine', 'token: ********** # mine'],
    ['env: apiv1_hunter2', 'env: *************'],
    ['url: https://me:hunter2@host', 'url: https://**********@host'],
  ])('hides the secret in %j', (line, masked) => {
    const shown = show(line, line.slice(0, 3))
    expect(shown).toContain(`1 | ${masked}`.slice(0, 70))
    expect(shown).not.toContain('hunter2')
    expect(shown).not.toContain('ter2')
  })

  it.each([
    'token: ${T}',
    'token: "${T:-x}" # a',
    '{ token: "${T}", x: 1 }',
    'token: { file: /run/t }',
    'tokens: [{ env: T }]',
  ])('shows %j as it is', (line) => {
    expect(show(line, line.slice(0, 3))).toContain(`1 | ${line}\n`)
  })
})
