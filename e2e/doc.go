// Package e2e proves in a real Chromium the few ways through the product that
// only a browser can prove; everything else is proved beside its code. It holds
// tests alone, and looks at the product from outside.
package e2e
