/** The checks that every tensor passes at the protocol's edge, whichever transport it came by. */
import { type DataType, isDataType } from './data-types.js';
import { ProtocolError } from './protocol-error.js';

/** The data type of that name; throws ProtocolError for an unknown one. */
export function checkedDataType(tensorName: string, dataType: string): DataType {
  if (isDataType(dataType)) return dataType;
  throw new ProtocolError(`tensor '${tensorName}' has the unknown data type '${dataType}'`);
}

/** More dimensions than any model has; bounds what a hostile shape can make us keep, and how deep nested data is followed. */
export const MAX_RANK = 64;

export const tooManyDimensions = (): ProtocolError =>
  new ProtocolError(`a tensor has more than ${MAX_RANK} dimensions`);

/** Throws ProtocolError unless every dimension is a whole number from 0 and their product can be counted exactly. */
export function checkShape(tensorName: string, shape: readonly number[]): void {
  if (shape.length > MAX_RANK) throw tooManyDimensions();
  let elements = 1;
  let hasZero = false;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ProtocolError(`tensor '${tensorName}' has the shape [${shape.join(',')}]: ${size} is not a dimension`);
    }
    hasZero ||= size === 0;
    elements *= size;
  }
  if (!hasZero && !Number.isSafeInteger(elements)) {
    throw new ProtocolError(`tensor '${tensorName}' has the shape [${shape.join(',')}]: too many elements`);
  }
}
