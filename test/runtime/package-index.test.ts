import { describe, expect, it } from 'vitest';
import { parseHtmlPage, parseJsonPage } from '../../src/runtime/package-index.js';

const page = 'https://index.example/simple/some-project/';
const hash = 'ab'.repeat(32);

describe('a project’s page', () => {
  it('is read as JSON, with links relative to the page', () => {
    const text = JSON.stringify({
      files: [
        { filename: 'a.whl', url: '../../files/a.whl', hashes: { sha256: hash } },
        { filename: 'b.whl', url: 'https://files.example/b.whl', hashes: {}, yanked: 'broken' },
        { filename: 5 },
      ],
    });
    expect(parseJsonPage(text, page)).toEqual([
      { filename: 'a.whl', url: 'https://index.example/files/a.whl', sha256: hash, isYanked: false },
      { filename: 'b.whl', url: 'https://files.example/b.whl', sha256: undefined, isYanked: true },
    ]);
  });

  it('is read as HTML, with the hash in the fragment and entities decoded', () => {
    const text = `<!DOCTYPE html><html><body>
      <a href="../../files/a.whl#sha256=${hash}" data-requires-python="&gt;=3.8">a.whl</a>
      <A HREF='/files/b+c.whl?x=1&amp;y=2' data-yanked="">b+c.whl</A></body></html>`;
    expect(parseHtmlPage(text, page)).toEqual([
      { filename: 'a.whl', url: 'https://index.example/files/a.whl', sha256: hash, isYanked: false },
      { filename: 'b+c.whl', url: 'https://index.example/files/b+c.whl?x=1&y=2', sha256: undefined, isYanked: true },
    ]);
  });

  it('is not taken from text that is neither', () => {
    expect(parseJsonPage('hello', page)).toBeUndefined();
    expect(parseJsonPage('{"files": 3}', page)).toBeUndefined();
    expect(parseHtmlPage('hello', page)).toBeUndefined();
  });
});
