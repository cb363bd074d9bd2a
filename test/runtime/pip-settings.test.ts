import { describe, expect, it } from 'vitest';
import { type PipSurroundings, parsePipFile, parsePipList, readIndexSettings } from '../../src/runtime/pip-settings.js';

const surroundings = (change: Partial<PipSurroundings> = {}): PipSurroundings => ({
  environment: {},
  listPipConfig: async () => undefined,
  readConfigFiles: () => [],
  ...change,
});

describe('the package index', () => {
  it('is the public one when nothing is set', async () => {
    const { indexUrls, isOffline, findLinks } = await readIndexSettings({}, surroundings());
    expect({ indexUrls, isOffline, findLinks }).toEqual({
      indexUrls: ['https://pypi.org/simple/'],
      isOffline: false,
      findLinks: [],
    });
  });

  it('comes from PIP_INDEX_URL before pip’s configuration, with the extra ones behind it', async () => {
    const settings = await readIndexSettings(
      {},
      surroundings({
        environment: {
          PIP_INDEX_URL: 'https://a.example/simple',
          PIP_EXTRA_INDEX_URL: 'https://b.example/x/  https://c.example',
        },
        listPipConfig: async () => "global.index-url='https://d.example/simple'",
      }),
    );
    expect(settings.indexUrls).toEqual(['https://a.example/simple/', 'https://b.example/x/', 'https://c.example/']);
  });

  it('comes from pip config where no variable is set', async () => {
    const listPipConfig = async () => "global.index-url='https://d.example/simple'\nglobal.cert='/ca.pem'\n";
    const settings = await readIndexSettings({}, surroundings({ listPipConfig }));
    expect(settings).toMatchObject({ indexUrls: ['https://d.example/simple/'], certFile: '/ca.pem' });
  });

  it('comes from pip’s files where there is no pip, the strongest file first', async () => {
    const readConfigFiles = () => [
      '[global]\nindex-url = https://user.example/simple\n',
      '[global]\nindex-url = https://all.example/simple\nno-index = true\n',
    ];
    const settings = await readIndexSettings({}, surroundings({ readConfigFiles }));
    expect(settings).toMatchObject({ indexUrls: ['https://user.example/simple/'], isOffline: true });
  });

  it('is not asked when the command line says so, and folders of wheels add up', async () => {
    const environment = { PIP_FIND_LINKS: '/wheels https://pages.example/links' };
    const settings = await readIndexSettings({ findLinks: ['mine'], isOffline: true }, surroundings({ environment }));
    expect(settings).toMatchObject({ findLinks: ['mine', '/wheels'], isOffline: true });
  });
});

describe('pip’s own forms', () => {
  it('are read from its list, install before global', () => {
    const text =
      "global.index-url='https://g.example'\ninstall.index-url='https://i.example'\n:env:.cert='/x'\nglobal.timeout='60'";
    expect(parsePipList(text)).toEqual({ 'index-url': 'https://i.example', timeout: '60' });
  });

  it('are read from a file with comments, underscores and values on more than one line', () => {
    const text =
      '# mine\n[global]\nextra_index_url =\n    https://a.example\n    https://b.example\n[list]\nformat = json\n';
    expect(parsePipFile(text)).toEqual({ 'extra-index-url': 'https://a.example\nhttps://b.example' });
  });
});
