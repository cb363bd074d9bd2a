/** What ONNX Runtime says when it cannot load a model, as a cause and a way out. */

export interface Explanation {
  readonly what: string;
  readonly hint: string;
}

interface Rule {
  readonly pattern: RegExp;
  /** From the pattern's groups. */
  readonly explain: (...groups: string[]) => Explanation;
}

const NEWER = 'export the model for an older one, or use a newer ONNX Runtime (perf-ts runtime install, --ort-library)';
const BROKEN = 'export the model again; the onnx package (onnx.checker) tells more';
const WEIGHTS = 'put the file where the model was saved with it, in the folder of the model';

const rules: readonly Rule[] = [
  {
    pattern: /External data path does not exist: "?([^"]+)"?/,
    explain: (file) => ({ what: `its weights are in ${file}, and that file is not there`, hint: WEIGHTS }),
  },
  {
    pattern: /External data path escapes.*?External data path: "?([^"]+)"? resolved path: "?([^"]+?)"? allowed/,
    explain: (path, file) => ({
      what: `its weights are in '${path}' (${file}), outside of the model's folder, and ONNX Runtime reads none from there`,
      hint: 'copy the file into the folder of the model and save the model with that location',
    }),
  },
  {
    pattern: /External initializer: (\S+) .*?size to read: (\d+) given file_length: (\d+)/,
    explain: (name, wanted, length) => ({
      what: `the file with its weights is cut short: initializer '${name}' has ${wanted} bytes, the file ${length}`,
      hint: 'copy the file again',
    }),
  },
  {
    pattern: /No Op registered for (\S+) with domain_version of (\d+)/,
    explain: (operator, opset) => ({ what: `operator ${operator} is unknown in operator set ${opset}`, hint: NEWER }),
  },
  {
    pattern: /([\w.]+):(\w+)\(-?\d+\) is not a registered function\/op/,
    explain: (domain, operator) => ({
      what: `operator ${operator} of domain '${domain}' is unknown; libraries of custom operators are not supported`,
      hint: 'export the model with standard operators',
    }),
  },
  {
    pattern: /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    explain: (version, most) => ({
      what: `it has IR version ${version}, and the newest known is ${most}`,
      hint: NEWER,
    }),
  },
  {
    pattern: /Opset (\d+) is under development.*domain (\S+) is till opset (\d+)/,
    explain: (opset, domain, most) => ({
      what: `it uses operator set ${opset} of ${domain}, and the newest known is ${most}`,
      hint: NEWER,
    }),
  },
  {
    pattern: /Could not find an implementation for (\w+)\((\d+)\) node with name '([^']*)'/,
    explain: (operator, opset, name) => ({
      what: `there is no implementation of ${operator} (operator set ${opset}) for the data types of node '${name}'`,
      hint: 'use other data types, or an ONNX Runtime or execution provider that has one',
    }),
  },
  {
    pattern: /Type \((?:tensor\()?(.+?)\)?\) of output arg \((.+?)\).*?expected type \((?:tensor\()?(.+?)\)?\)/,
    explain: (declared, output, computed) => ({
      what: `'${output}' is declared ${declared}, and what computes it gives ${computed}`,
      hint: BROKEN,
    }),
  },
  {
    pattern: /Node input '(.+?)' is not a graph input, initializer, or output of a previous node/,
    explain: (name) => ({ what: `nothing in the graph computes '${name}', which a node takes`, hint: BROKEN }),
  },
  {
    pattern: /the graph is not acyclic/,
    explain: () => ({ what: 'its nodes depend on each other in a circle', hint: BROKEN }),
  },
  {
    pattern: /Protobuf parsing failed/,
    explain: () => ({ what: 'its bytes are not an ONNX model', hint: 'copy or export it again' }),
  },
  {
    pattern: /Failed to allocate memory for requested buffer of size (\d+)|bad_alloc/,
    explain: (size) => ({
      what: `there is not enough memory${size === undefined ? '' : ` for ${size} bytes more`}`,
      hint: 'use fewer instances or a smaller model',
    }),
  },
];

const GENERAL = 'check that the file is complete and that its operators are known to this version of ONNX Runtime';

/** `message` is that of an OrtError. */
export function explainNativeError(message: string): Explanation {
  for (const { pattern, explain } of rules) {
    const match = pattern.exec(message);
    if (match !== null) return explain(...match.slice(1));
  }
  return { what: message, hint: GENERAL };
}
