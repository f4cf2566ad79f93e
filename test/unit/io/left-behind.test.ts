import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeLeftBehind } from '../../../src/io/left-behind.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'

const REST = /^\.(\d+)\.tmp$/

/** The number of a process that is gone. */
async function gone(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid ?? 0
}

it('removes what a process that is gone has left, and nothing else', async () => {
  const folder = await temporaryFolder()
  const pid = await gone()
  await mkdir(join(folder, `a.${pid}.tmp`))
  await writeFile(join(folder, `a.${pid}.tmp`, 'inside'), '')
  const kept = [
    `a.${process.pid}.tmp`,
    `a.${process.ppid}.tmp`,
    `b.${pid}.tmp`,
    `a.${pid}.tmp.x`,
    'a.tmp',
    'a',
  ]
  for (const name of kept) await writeFile(join(folder, name), '')
  await removeLeftBehind(folder, 'a', REST)
  expect((await readdir(folder)).sort()).toEqual(kept.sort())
})

it('tells an earlier process of the same number by its age', async () => {
  const folder = await temporaryFolder()
  const old = new Date(Date.now() - process.uptime() * 1000 - 60_000)
  await writeFile(join(folder, `a.${process.pid}.tmp`), '')
  await utimes(join(folder, `a.${process.pid}.tmp`), old, old)
  await removeLeftBehind(folder, '', /^a\.(\d+)\.tmp$/)
  expect(await readdir(folder)).toEqual([])
})

it('looks into folders when asked to, and takes a missing one for empty', async () => {
  const folder = await temporaryFolder()
  const pid = await gone()
  await mkdir(join(folder, 'x/y'), { recursive: true })
  await writeFile(join(folder, 'x/y', `f.${pid}.tmp`), '')
  await removeLeftBehind(folder, '', /\.(\d+)\.tmp$/)
  expect(await readdir(join(folder, 'x/y'))).toHaveLength(1)
  await removeLeftBehind(folder, '', /\.(\d+)\.tmp$/, true)
  expect(await readdir(join(folder, 'x/y'))).toEqual([])
  await removeLeftBehind(join(folder, 'none'), '', REST)
})
