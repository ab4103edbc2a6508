// The pages by which people get in. Each part adds comfort to a form that works
// without it.
import { fragment } from "./fragment";
import { strength } from "./strength";

fragment(document);
strength(document);
