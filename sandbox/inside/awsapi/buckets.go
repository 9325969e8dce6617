package awsapi

import "github.com/ragscale/ragscale/sandbox/inside/s3"

// BucketSettings tells how the account configures a bucket now.
func BucketSettings(account Account) func(bucket string) (s3.Settings, error) {
	return func(bucket string) (s3.Settings, error) {
		var out s3.Settings
		for token, read := range bucketParts {
			all, err := account.List(token)
			if err != nil {
				return out, err
			}
			for _, r := range all {
				if r.str("bucket") == bucket {
					read(r, &out)
				}
			}
		}
		return out, nil
	}
}

// bucketParts are the resources that configure a bucket.
var bucketParts = map[string]func(Resource, *s3.Settings){
	"aws:s3/bucketVersioningV2:BucketVersioningV2": func(r Resource, out *s3.Settings) {
		if status := r.str("versioningConfiguration.status"); status != "Disabled" { // as one that never had versions
			out.Versioning = status
		}
	},
	"aws:s3/bucketPolicy:BucketPolicy": func(r Resource, out *s3.Settings) { out.Policy = r.str("policy") },
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": func(r Resource, out *s3.Settings) {
		out.Restricted = r.flag("restrictPublicBuckets")
	},
}
