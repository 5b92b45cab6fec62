import { homedir } from 'node:os';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../repository.ts';
import { inventorySchema, readInventory } from './inventory.ts';

const file = join(repository, 'infra/inventory/example.yaml');

test('the example of an inventory is one', async () => {
  const hosts = await readInventory(file);
  expect(hosts.map(({ name }) => name)).toEqual(['lab-1', 'gateway']);
  expect(hosts[0]).toMatchObject({
    kind: 'ssh',
    guestCpus: '2-5',
    timing: 'wall',
    target: {
      address: '192.0.2.10',
      port: 22,
      user: 'root',
      privateKeyFile: join(homedir(), '.ssh/lab'),
      jump: { address: 'gateway.example.net', port: 22, user: 'root' },
    },
  });
  expect(hosts[1]).toMatchObject({ guestCpus: 'all', timing: 'wall' });
});

test('it shows every field', async () => {
  const { hosts } = parse(await readFile(file, 'utf8')) as { hosts: Record<string, object> };
  const fields = Object.keys(inventorySchema.shape.hosts.valueType.shape);
  expect(Object.keys(hosts['lab-1'] ?? {}).sort()).toEqual(fields.sort());
});
