import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { commandLine } from '../../../src/cli/options.ts'

test('the next command line has the environment and the state of this one', () => {
  expect(commandLine('plan', 'manifest.yaml', {})).toBe('influx-ferry plan manifest.yaml')
  expect(commandLine('run', 'm.yaml', { env: 'staging', state: '/var/lib/m.json' })).toBe(
    'influx-ferry run m.yaml --env staging --state /var/lib/m.json',
  )
})

test.each(['my plant.yaml', "it's.yaml", '$HOME.yaml', 'a`b`.yaml', 'ä.yaml'])(
  'a shell takes %s as it is',
  (file) => {
    const words = commandLine('run', file, {}).slice('influx-ferry run '.length)
    expect(execFileSync('sh', ['-c', `printf %s ${words}`], { encoding: 'utf8' })).toBe(file)
  },
)
