// What a command takes, all of its children included.
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

/** Seconds from start to end, and the largest sum of resident memory of the command and all its children. */
export async function timed([program, ...args], env = process.env) {
  const started = performance.now()
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-4000)))
  let peakBytes = 0
  const poll = setInterval(() => (peakBytes = Math.max(peakBytes, residentBytes(child.pid))), 50)
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  }).finally(() => clearInterval(poll))
  if (code !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${code}:\n${errors}`)
  return { seconds: (performance.now() - started) / 1000, peakBytes }
}

function residentBytes(pid) {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8')
        const number = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
        return [{ pid: Number(name), parent: number('PPid'), bytes: number('VmRSS') * 1024 }]
      } catch {
        return [] // ended meanwhile
      }
    })
  const family = new Set([pid])
  // Children may have lower numbers than their parents, so look until none is added.
  for (let size = 0; size !== family.size;) {
    size = family.size
    for (const one of processes) if (family.has(one.parent)) family.add(one.pid)
  }
  return processes.filter((one) => family.has(one.pid)).reduce((sum, { bytes }) => sum + bytes, 0)
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function seconds(count) {
  return `${count.toFixed(count < 10 ? 2 : 1)} s`
}

export function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`
}

/** A Markdown table. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
