import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { showFailure } from '../../../src/cli/show-failure.ts'
import { Failure } from '../../../src/core/failure.ts'

const shown = (error: unknown, debug = false) => stripVTControlCharacters(showFailure(error, debug))

test('a failure is what, where and what to do, without a stack', () => {
  const failure = new Failure('plan/outdated', 'the plan no longer fits', {
    where: 'plan.json',
    remedy: `${'Make it anew and look at it again. '.repeat(4).trim()}\nOr leave it.`,
    cause: new Error('beneath'),
  })
  expect(shown(failure)).toBe(
    'error: the plan no longer fits (plan/outdated)\n  at plan.json\n' +
      '  Make it anew and look at it again. Make it anew and look at it again. Make it anew and look at it again.\n' +
      '  Make it anew and look at it again.\n  Or leave it.\n',
  )
  expect(shown(failure, true)).toContain('Error: beneath')
})

test('an error of the system is no defect', () => {
  try {
    readFileSync('/no/such/file')
  } catch (error) {
    expect(shown(error)).toBe(
      'error: the system refused "open": no such file or directory (ENOENT) (system/refused)\n  at /no/such/file\n' +
        '  Mend that and run again: the state was saved, and a rerun goes on from it.\n',
    )
  }
})

test('a defect is shown with its stack', () => {
  expect(shown(new TypeError('x is not a function'))).toMatch(
    /has a defect.*TypeError: x is not a function\n +at /s,
  )
})
