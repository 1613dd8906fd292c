/** An error as the service writes it: an HTTP status, a type in a header, a message in the body. */
export class WireError extends Error {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Body fields beside `message`, such as `originalStatusCode`. */
  readonly fields: Readonly<Record<string, string | number>>;

  constructor(status: number, type: string, message: string, more: WireErrorDetails = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.headers = more.headers ?? {};
    this.fields = more.fields ?? {};
  }
}

interface WireErrorDetails {
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string | number>>;
}

export function validationError(message: string): WireError {
  return new WireError(400, 'ValidationException', message);
}

/** The model itself refused the parameters, in the service's own wording. */
export function modelRefusal(message: string): WireError {
  return validationError(`The model returned the following errors: ${message}`);
}

export function unknownOperation(method: string, path: string): WireError {
  return new WireError(
    404,
    'UnknownOperationException',
    `${method} ${path} is not an operation of this service.`,
  );
}
