// Compiles src/kernel/assembly to WebAssembly and writes it, as base64, to src/kernel/{kernel,deflate,figures,wal}.generated.ts.
// scripts/generate.mjs calls it; `node scripts/build-kernel.mjs kernel.wat` also writes the text form, to be read.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('../', import.meta.url))

if (process.argv[1] === import.meta.filename) {
  for (const [file, text] of Object.entries(await kernelFiles(process.argv[2])))
    writeFileSync(root + file, text)
}

/** The generated files of the kernel and their text. */
export async function kernelFiles(watFile) {
  const powersFile = 'src/kernel/assembly/powers-of-ten.generated.ts'
  const powers = powersOfTen()
  const wasm = await compile('index.ts', { [powersFile]: powers }, watFile)
  return {
    [powersFile]: powers,
    'src/kernel/kernel.generated.ts': moduleFile('kernelModule', wasm),
    'src/kernel/deflate.generated.ts': moduleFile('deflateModule', await compile('deflate.ts', {})),
    'src/kernel/figures.generated.ts': moduleFile('figuresModule', await compile('figure-book.ts', {})),
    'src/kernel/wal.generated.ts': moduleFile('walModule', await compile('wal.ts', {})),
  }
}

function moduleFile(name, wasm) {
  const lines = Buffer.from(wasm)
    .toString('base64')
    .match(/.{1,108}/g)
  return (
    '// Made from src/kernel/assembly/ by scripts/build-kernel.mjs. Change that, not this file.\n' +
    `export const ${name} =\n  '${lines.join(`' +\n  '`)}'\n`
  )
}

async function compile(entry, virtualFiles, watFile) {
  let binary
  const { error, stderr } = await asc.main(
    [
      `src/kernel/assembly/${entry}`,
      ...['--outFile', 'kernel.wasm', '--runtime', 'stub', '--enable', 'simd'],
      ...['-O3', '--converge', '--noAssert', '--noColors'],
      ...(watFile ? ['--textFile', 'kernel.wat'] : []),
    ],
    {
      readFile: (name, base) => virtualFiles[name] ?? readIfThere(`${base}/${name}`) ?? readIfThere(name),
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = contents
        else writeFileSync(watFile, contents)
      },
      listFiles: () => null,
    },
  )
  if (error) throw new Error(`the kernel does not compile:\n${stderr.toString()}`)
  return binary
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

/**
 * Ten to each power that writing a double can need, as 128-bit numbers rounded up: high half, low half.
 * The highest bit of each is set; what power of two it stands for follows from the power of ten.
 */
function powersOfTen() {
  const [smallest, largest] = [-292, 324]
  const rows = []
  for (let power = smallest; power <= largest; power++) {
    const binary = BigInt(Math.floor((power * 1741647) / 2 ** 19) - 127)
    const [above, below] = power < 0 ? [1n, 10n ** BigInt(-power)] : [10n ** BigInt(power), 1n]
    const [numerator, denominator] = binary < 0n ? [above << -binary, below] : [above, below << binary]
    const rounded = (numerator + denominator - 1n) / denominator
    rows.push(`  0x${(rounded >> 64n).toString(16)}, 0x${(rounded & (2n ** 64n - 1n)).toString(16)},`)
  }
  return (
    '// Made by scripts/build-kernel.mjs. For each power of ten: its highest 128 bits, rounded up, high half first.\n' +
    `export const SMALLEST_POWER: i32 = ${smallest}\n` +
    `export const powersOfTen: usize = memory.data<u64>([\n${rows.join('\n')}\n])\n`
  )
}
