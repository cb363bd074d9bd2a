/** Options of `perf-ts runtime`, and the one by which other commands choose a runtime. */
import { optional, repeated, toggle } from '../../common/option-row.js';
import { parseText } from '../../common/value-parsers.js';

const where = 'Where it comes from';

export const runtimeRows = {
  findLinks: repeated({
    flag: 'find-links',
    placeholder: 'DIR',
    group: where,
    help: 'folder of wheels, looked through before the package index; repeatable',
    parse: parseText,
  }),
  index: toggle({
    flag: 'index',
    defaultText: 'true',
    group: where,
    help: 'ask the package index that pip would ask; --no-index installs from --find-links alone',
  }),
  version: optional({
    flag: 'release',
    placeholder: 'VERSION',
    group: where,
    help: 'exactly this version of ONNX Runtime, such as 1.24.1, instead of the newest that fits',
    parse: parseText,
  }),
  tensorRt: optional({
    flag: 'tensorrt',
    placeholder: 'DIR',
    group: where,
    help: 'folder of TensorRT 10’s libraries for a CUDA build; the system’s own are found without it',
    parse: parseText,
  }),
  name: optional({
    flag: 'name',
    placeholder: 'NAME',
    group: where,
    help: 'what to call a build from disk; its version is added (default custom)',
    parse: parseRuntimeName,
  }),
  ortLibrary: optional({
    flag: 'ort-library',
    placeholder: 'FILE',
    group: 'Output',
    help: 'also look at this libonnxruntime in the list',
    parse: parseText,
  }),
  json: toggle({ flag: 'json', group: 'Output', help: 'print one JSON document on stdout and nothing else there' }),
} as const;

/** A word that is a folder's name everywhere and cannot be taken for a version. */
function parseRuntimeName(text: string): string {
  if (/^[a-z][a-z0-9_]*(-[a-z][a-z0-9_]*)*$/.test(text) && text !== 'bundled') return text;
  throw new Error(`must be lower-case words with dashes and not 'bundled', not '${text}'`);
}

/** `--runtime` of every command that has our engine serve. */
export const runtimeRow = optional({
  flag: 'runtime',
  placeholder: 'NAME',
  group: 'What to measure',
  help: 'build of ONNX Runtime that our engine uses: bundled, or one that perf-ts runtime installed, such as openvino',
  conflicts: ['url'],
  parse: parseText,
});
