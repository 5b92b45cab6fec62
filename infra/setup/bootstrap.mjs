// The set-up of a fresh checkout on a fresh Debian 12: Debian packages, npm packages, then `ioreqlab setup` for all that is
// built. Plain JavaScript without dependencies, since there are none yet. Does nothing that has been done before.
//
//   node infra/setup/bootstrap.mjs [--packages-only] [--tests] [arguments for `ioreqlab setup`]

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackages, testPackages } from './debian-packages.mjs';
import { step } from './progress.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const [, , ...words] = process.argv;
const isPackagesOnly = words.includes('--packages-only');
const packages = words.includes('--tests') ? { ...debianPackages, ...testPackages } : debianPackages;
const setupArguments = words.filter((word) => word !== '--packages-only' && word !== '--tests');

/** @param {string} message @param {string} next @returns {never} */
function stop(message, next) {
  process.stderr.write(`error: ${message}\n  next: ${next}\n`);
  process.exit(2);
}

/**
 * @param {string} command @param {string[]} words
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(command, words, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 127, output: String(error) }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** @param {string} output */
const tail = (output) =>
  output
    .trimEnd()
    .split('\n')
    .slice(-12)
    .map((line) => `  | ${line}`)
    .join('\n');

/** @returns {string[]} */
function missingPackages() {
  const status = (/** @type {string} */ name) => {
    try {
      const words = ['-W', '-f', '${db:Status-Status}', name];
      return execFileSync('dpkg-query', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return 'absent';
    }
  };
  return Object.keys(packages).filter((name) => status(name) !== 'installed');
}

async function installDebianPackages() {
  if (!existsSync('/usr/bin/dpkg-query')) {
    stop('this machine is no Debian', 'use Debian 12 or later, or install what infra/setup/debian-packages.mjs lists');
  }
  const missing = missingPackages();
  if (missing.length === 0) return;
  process.stderr.write('These Debian packages are missing and will be installed:\n');
  for (const name of missing) process.stderr.write(`  ${name.padEnd(24)} ${packages[name]}\n`);
  const install = missing.some((name) => name in testPackages)
    ? ['sh', join(root, 'infra/setup/install-quietly.sh'), ...missing]
    : ['apt-get', 'install', '--yes', '--no-install-recommends', ...missing];
  const isRoot = process.getuid?.() === 0;
  const prefix = isRoot ? [] : ['sudo', '-n'];
  if (!isRoot && (await run('sudo', ['-n', 'true'])).code !== 0) {
    stop('installing them needs root, and sudo does not work without a password', `sudo ${install.join(' ')}`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = async (/** @type {string[]} */ words) => {
    const [command = '', ...rest] = [...prefix, ...words];
    return await run(command, rest, { env });
  };
  const result = await step('install Debian packages', async (note) => {
    note('apt-get update');
    const update = await apt(['apt-get', 'update']);
    note('apt-get install');
    const installed = await apt(install);
    return installed.code === 0 ? installed : { code: installed.code, output: update.output + installed.output };
  });
  if (result.code === 0) return;
  process.stderr.write(`${tail(result.output)}\n`);
  stop('the Debian packages could not be installed', `see to the network, then: ${[...prefix, ...install].join(' ')}`);
}

async function installNpmPackages() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex');
  const mark = join(root, 'node_modules/.ioreqlab-installed');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === digest) return;
  process.stderr.write('The npm packages of package-lock.json will be installed into node_modules.\n');
  const { code, output } = await step('npm ci', async () => await run('npm', ['ci', '--no-progress']));
  if (code !== 0) {
    process.stderr.write(`${tail(output)}\n`);
    stop('npm ci failed', 'see to the network and the disk, then: npm ci');
  }
  writeFileSync(mark, digest);
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  stop(`Node ${process.versions.node} is too old`, 'install Node 20.19 or later');
}
await installDebianPackages();
await installNpmPackages();
if (!isPackagesOnly) {
  const child = spawn(process.execPath, [join(root, 'harness/cli/bin.mjs'), 'setup', ...setupArguments], {
    cwd: root,
    stdio: 'inherit',
  });
  // Ctrl-C goes to the whole group; the child tidies up and says how it ended.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => undefined);
  const code = await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  process.exit(code);
}
