// Types of the document, by openapi-typescript: node generate.mjs DOCUMENT. Fields that have a default may be left out.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const document = readFileSync(process.argv[2], "utf8");
writeFileSync("api.ts", astToString(await openapiTS(document, { defaultNonNullable: false })));
