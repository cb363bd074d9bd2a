import { copyFile, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/common/package-root.js';
import { allTensors, MAX_MODEL_BYTES, readModelFile, writeModelFile } from '../../../src/onnx/convert/model-file.js';
import { ProtoMessage } from '../../../src/onnx/convert/proto-message.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';

const fixtures = join(packageRoot, 'test', 'support', 'models', 'convert');

/** A copy of the model with weights outside, whose places all say `entries` instead. */
async function copyWithPlace(entries: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeTemporaryFolder();
  const model = ProtoMessage.parse(await readFile(join(fixtures, 'external.onnx')));
  for (const tensor of allTensors(model)) {
    if (!tensor.has(13)) continue;
    const given = Object.entries(entries).map(([key, value]) => new ProtoMessage().setText(1, key).setText(2, value));
    tensor.setMessages(13, given);
  }
  const file = join(folder, 'model.onnx');
  await writeFile(file, model.toBytes());
  await copyFile(join(fixtures, 'weights.bin'), join(folder, 'weights.bin'));
  return file;
}

describe('a model file', () => {
  it('is refused from 2 GiB on without being read', async () => {
    const file = join(await makeTemporaryFolder(), 'large.onnx');
    const handle = await open(file, 'w');
    await handle.truncate(MAX_MODEL_BYTES + 1);
    await handle.close();
    await expect(readModelFile(file)).rejects.toThrow(/larger than 2 GiB.*external data/);
  });

  it.each(['../weights.bin', '/etc/hostname', ''])('may not keep weights in %j', async (location) => {
    const file = await copyWithPlace({ location });
    await expect(readModelFile(file)).rejects.toMatchObject({ code: 'BAD_FILE' });
  });

  it('says which weights reach past their file, and which file is missing', async () => {
    const cut = await readModelFile(await copyWithPlace({ location: 'weights.bin', offset: '6000', length: '4096' }));
    const tensor = allTensors(cut.message).find((candidate) => candidate.has(13))!;
    expect(() => cut.loadExternal(tensor)).toThrow(/weights of 'weights' reach past its 6272 bytes/);
    const gone = await readModelFile(await copyWithPlace({ location: 'elsewhere.bin' }));
    expect(() => gone.loadExternal(allTensors(gone.message).find((candidate) => candidate.has(13))!)).toThrow(
      /elsewhere\.bin.*cannot be read/,
    );
  });

  it('is written with its weights outside again, each on a page of its own and unchanged', async () => {
    const model = await readModelFile(join(fixtures, 'external.onnx'));
    const outside = allTensors(model.message).filter((tensor) => tensor.has(13));
    const before = outside.map((tensor) => Buffer.from(model.loadExternal(tensor)));
    const file = join(await makeTemporaryFolder(), 'copy.onnx');
    await writeModelFile(model, file);
    const written = await readModelFile(file);
    const after = allTensors(written.message).filter((tensor) => tensor.has(13));
    expect(after.map((tensor) => Buffer.from(written.loadExternal(tensor)))).toEqual(before);
    for (const tensor of after) {
      const offset = tensor.messages(13).find((entry) => entry.text(1) === 'offset')!;
      expect(Number(offset.text(2)) % 4096).toBe(0);
    }
    expect((await stat(`${file}.data`)).size).toBeGreaterThan(0);
  });
});
