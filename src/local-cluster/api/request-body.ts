import type { IncomingMessage } from 'node:http';
import { GoJsonError, parseGoJson } from './go-json.ts';
import type { ParsedJson } from './go-json.ts';
import { StatusError } from './status-error.ts';
import { parseYaml } from './yaml.ts';

const limitBytes = 3 * 1024 * 1024;

/** Throws StatusError 413 when the body is larger than Kubernetes takes, before all of it is read. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > limitBytes) {
      throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export const mediaTypeOf = (header: string | undefined): string => (header ?? '').split(';')[0]?.trim() ?? '';

const isYaml = (mediaType: string) => mediaType === 'application/yaml' || mediaType === 'application/apply-patch+yaml';

/** Parses JSON or YAML by its media type; JSON when there is none. Throws StatusError 415, GoJsonError. */
export function parseBody(body: Buffer, contentType: string | undefined): ParsedJson {
  const mediaType = mediaTypeOf(contentType);
  if (isYaml(mediaType)) {
    try {
      return { value: parseYaml(body.toString('utf8')), duplicates: [] };
    } catch (error) {
      throw new GoJsonError(`yaml: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (mediaType !== '' && mediaType !== 'application/json') {
    throw new StatusError(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
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
