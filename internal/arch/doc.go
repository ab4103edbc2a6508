// Package arch holds the rules of the house that no compiler checks, as tests
// over the whole tree: who may import whom, what each layer must not do, which
// sentences exist. It holds no code of the product and knows no service.
package arch
