import { describe, expect, it } from 'vitest'
import {
  checkTargetName,
  couldBeTarget,
  exactTarget,
  nearestTargetName,
} from '../../../src/manifest/target-name.ts'

describe('names of databases in the cluster', () => {
  it.each(['a', '0', 'plant/autogen', 'a-b_c/D', 'x'.repeat(64)])('allows %s', (name) => {
    expect(checkTargetName(name)).toBeUndefined()
  })

  it.each([
    ['', 'is empty'],
    ['x'.repeat(65), 'is 65 bytes long: 64 are the most'],
    ['_internal', 'starts with "_": a letter or digit must be first'],
    ['/a', 'starts with "/": a letter or digit must be first'],
    ['a.b', 'has the character ".": only letters, digits, "_", "/" and "-" are allowed'],
    ['a b', 'has the character " ": only letters, digits, "_", "/" and "-" are allowed'],
    ['télé', 'has the character "é": only letters, digits, "_", "/" and "-" are allowed'],
    ['a😀', 'has the character "😀": only letters, digits, "_", "/" and "-" are allowed'],
  ])('refuses %j', (name, reason) => {
    expect(checkTargetName(name)).toBe(reason)
  })

  it.each([
    ['a.b', 'a_b'],
    ['télé/été', 'tele/ete'],
    ['_internal/monitor', 'internal/monitor'],
  ])('suggests for %j: %j', (name, nearest) => {
    expect(nearestTargetName(name)).toBe(nearest)
    expect(checkTargetName(nearest)).toBeUndefined()
  })
})

describe("a mapping's targets", () => {
  const mapping = (database: string, retentionPolicy: string, target: string) => ({
    source: 's',
    database,
    retentionPolicy,
    target,
  })

  it('is one name when nothing is open', () => {
    expect(exactTarget(mapping('d', 'r', '{database}/{retentionPolicy}'))).toBe('d/r')
    expect(exactTarget(mapping('$&', '$1', '{database}/{retentionPolicy}'))).toBe('$&/$1')
    expect(exactTarget(mapping('*', 'r', 'x'))).toBe('x')
    expect(exactTarget(mapping('d*', 'r', '{database}/x'))).toBeUndefined()
  })

  it('tells which names could be among them', () => {
    const open = mapping('d', '*', '{database}/{retentionPolicy}')
    expect(couldBeTarget('d/r', open)).toBe(true)
    expect(couldBeTarget('e/r', open)).toBe(false)
    expect(couldBeTarget('d', open)).toBe(false)
  })
})
