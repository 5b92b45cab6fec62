// Starts a host that stays, with its record in the directory that is named, and ends.
import { cacheAt } from '../cache.ts';
import { upHost } from '../detached.ts';
import { ensureImage } from '../image.ts';
import { defaultXenVersion } from '../xen-versions.ts';

const image = await ensureImage({ xen: defaultXenVersion });
const { temporary } = image.cache;
const { ssh } = await upHost({ image: { ...image, cache: { ...cacheAt(process.argv[2]), temporary } } });
process.stdout.write(`port ${ssh.port}\n`);
