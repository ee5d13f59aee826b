import type { IncomingMessage } from 'node:http';
import { parseGoJson } from './go-json.ts';
import type { ParsedJson } from './go-json.ts';
import { GoJsonError } from './json-reader.ts';
import { parseProtobuf } from './protobuf.ts';
import { StatusError } from './status-error.ts';
import { parseYaml } from './yaml.ts';

const limitBytes = 3 * 1024 * 1024;
/** A larger body is still read to its end, so that its sender can read the refusal, but not without bound. */
const patienceBytes = 64 * 1024 * 1024;

/** Throws StatusError 413 when the body is larger than Kubernetes takes. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size <= limitBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (size > patienceBytes) break;
  }
  if (size > limitBytes) {
    throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);
  }
  return Buffer.concat(chunks);
}

export const mediaTypeOf = (header: string | undefined): string => (header ?? '').split(';')[0]?.trim() ?? '';

const isYaml = (mediaType: string) =>
  mediaType === 'application/yaml' || mediaType === 'application/apply-patch+yaml';

/** Parses JSON, YAML or protobuf by its media type; JSON when there is none. Throws StatusError 415, GoJsonError. */
export function parseBody(body: Buffer, contentType: string | undefined): ParsedJson {
  const mediaType = mediaTypeOf(contentType);
  if (isYaml(mediaType)) {
    try {
      return { value: parseYaml(body.toString('utf8')), duplicates: [] };
    } catch (error) {
      throw new GoJsonError(`yaml: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (mediaType === 'application/vnd.kubernetes.protobuf')
    return { value: parseProtobuf(body), duplicates: [] };
  if (mediaType !== '' && mediaType !== 'application/json') {
    throw new StatusError(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    );
  }
  return parseGoJson(body.toString('utf8'));
}

/** How an unreadable body is shown in the error: its beginning as text, or as hex when it is no JSON object. */
export function excerptOf(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  if (body[0] !== 0x7b) return body.subarray(0, 512).toString('hex');
  const text = body.toString('utf8');
  return text.length > 30 ? `${text.slice(0, 30)} ...` : text;
}
