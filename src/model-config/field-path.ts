/** Paths of fields inside a model configuration, such as `instance_group[0].count` and `parameters["x"].string_value`. */

export const memberPath = (parent: string, name: string): string => (parent === '' ? name : `${parent}.${name}`);
export const elementPath = (parent: string, index: number): string => `${parent}[${index}]`;
export const entryPath = (parent: string, key: string): string => `${parent}[${JSON.stringify(key)}]`;
