import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../src/core/failure.ts'

describe('the reason of an error', () => {
  it("is the system's, without the path and the call", () => {
    expect(reasonOf(thrownBy(() => readFileSync('/no/such/file')))).toBe('no such file or directory (ENOENT)')
    expect(reasonOf(thrownBy(() => readFileSync('/')))).toBe('illegal operation on a directory (EISDIR)')
  })

  it('is the message of any other', () => {
    expect(reasonOf(new Error('ENOENT happened'))).toBe('ENOENT happened')
    expect(reasonOf('nothing')).toBe('nothing')
  })
})

function thrownBy(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}
