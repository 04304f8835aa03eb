// A value that a schema describes, for people to look at.

const byType = { string: "…", integer: 1, number: 0.5, boolean: true, null: null };

function resolved(schema, openapi) {
  if (!schema?.$ref) return schema;
  return openapi.components.schemas[schema.$ref.split("/").pop()];
}

/** An example of a schema; undefined if it has no properties. */
export function exampleOf(schema, openapi) {
  const found = resolved(schema, openapi);
  if (!found?.properties) return undefined;
  return valueOf(found, openapi);
}

function valueOf(schema, openapi) {
  const found = resolved(schema, openapi);
  if (found.example !== undefined) return found.example;
  if (found.enum) return found.enum[0];
  if (found.properties) {
    const values = Object.entries(found.properties);
    return Object.fromEntries(values.map(([key, value]) => [key, valueOf(value, openapi)]));
  }
  if (found.items) return [valueOf(found.items, openapi)];
  const [type] = [found.type].flat();
  return byType[type] ?? null;
}
