package aws

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/rules"
)

// Delete ends a resource's engine and removes its record. What others use, or what is protected, is refused; what is
// gone is fine.
func (p *Provider) Delete(ctx context.Context, r plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	token := string(r.Type)
	if _, err := p.failure("delete", token, r.URN); err != nil {
		return plugin.DeleteResponse{}, err
	}
	rec, ok, err := p.store.Get(token, string(r.ID))
	if err != nil {
		return plugin.DeleteResponse{}, err
	}
	if !ok {
		return plugin.DeleteResponse{Status: resource.StatusOK}, nil
	}
	if err := rules.Deletable(rec, p.store); err != nil {
		return plugin.DeleteResponse{}, err
	}
	ctx, done := p.until(ctx)
	defer done()
	if err := p.engines.Remove(ctx, rec); err != nil {
		return plugin.DeleteResponse{}, err
	}
	return plugin.DeleteResponse{Status: resource.StatusOK}, p.store.Delete(token, rec.ID)
}
